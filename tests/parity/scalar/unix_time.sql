-- FROM_UNIXTIME and UNIX_TIMESTAMP.
CREATE TABLE times (
  id INT,
  ts TIMESTAMP(3),
  ts9 TIMESTAMP(9),
  d DATE,
  t TIME(0),
  ltz TIMESTAMP_LTZ(3),
  epoch BIGINT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json'
);
SELECT
  id,
  FROM_UNIXTIME(epoch) AS from_,
  FROM_UNIXTIME(epoch, 'yyyy/MM/dd HH-mm') AS from_format,
  UNIX_TIMESTAMP('2024-01-02 03:04:05') AS unix_text,
  UNIX_TIMESTAMP('02.01.2024', 'dd.MM.yyyy') AS unix_format,
  UNIX_TIMESTAMP('bad') AS unix_bad,
  UNIX_TIMESTAMP(FROM_UNIXTIME(epoch)) AS round_trip,
  UNIX_TIMESTAMP(CAST(ts AS STRING)) AS of_ts
FROM times
WHERE epoch IS NOT NULL;
