-- Zoned timestamps under a session time zone with daylight saving.
SET 'table.local-time-zone' = 'Europe/Berlin';
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
  ltz,
  CAST(ltz AS TIMESTAMP(3)) AS as_ts,
  CAST(ltz AS STRING) AS as_text,
  CAST(ltz AS DATE) AS as_date,
  CAST(ltz AS TIME) AS as_time,
  HOUR(ltz) AS hour_,
  DATE_FORMAT(ltz, 'yyyy-MM-dd HH:mm') AS formatted,
  CAST(ts AS TIMESTAMP_LTZ(3)) AS from_ts,
  FLOOR(ltz TO DAY) AS floored,
  FROM_UNIXTIME(epoch) AS unix_,
  UNIX_TIMESTAMP(FROM_UNIXTIME(epoch)) AS back,
  CAST(TIMESTAMP '2024-03-31 02:30:00' AS TIMESTAMP_LTZ(3)) AS gap,
  CAST(TIMESTAMP '2024-10-27 02:30:00' AS TIMESTAMP_LTZ(3)) AS overlap_
FROM times
WHERE epoch IS NOT NULL;
