-- CAST of timestamps before 1970 that have a fraction of a second.
CREATE TABLE old_times (
  id INT,
  ts TIMESTAMP(3),
  ts9 TIMESTAMP(9),
  d DATE,
  t TIME(0),
  ltz TIMESTAMP_LTZ(3),
  epoch BIGINT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/old_times.json',
  'format' = 'json'
);
SELECT
  id,
  CAST(ts AS DATE) AS to_date,
  CAST(ts AS TIME) AS to_time,
  CAST(ts AS TIMESTAMP(0)) AS to_seconds,
  CAST(ts AS STRING) AS to_text,
  CAST(ts9 AS STRING) AS nine,
  CAST(ts9 AS TIMESTAMP(3)) AS three,
  CAST(ltz AS STRING) AS ltz_text
FROM old_times;
