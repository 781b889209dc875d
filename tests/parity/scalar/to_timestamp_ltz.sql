-- TO_TIMESTAMP_LTZ from numbers and from text.
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
  TO_TIMESTAMP_LTZ(epoch, 0) AS secs_,
  TO_TIMESTAMP_LTZ(epoch * 1000 + 7, 3) AS millis,
  TO_TIMESTAMP_LTZ(epoch) AS one_,
  TO_TIMESTAMP_LTZ(1.5e0, 0) AS frac,
  TO_TIMESTAMP_LTZ('2024-01-02 03:04:05.678') AS text_,
  TO_TIMESTAMP_LTZ('02/01/2024 03:04', 'dd/MM/yyyy HH:mm') AS pattern_,
  TO_TIMESTAMP_LTZ('2024-01-02 03:04:05', 'yyyy-MM-dd HH:mm:ss', 'Asia/Shanghai') AS zoned,
  CAST(TO_TIMESTAMP_LTZ(epoch, 0) AS TIMESTAMP(3)) AS as_ts
FROM times;
