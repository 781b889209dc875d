-- CAST among dates, times and timestamps.
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
  CAST(ts AS DATE) AS ts_d,
  CAST(ts AS TIME) AS ts_t,
  CAST(ts AS TIMESTAMP_LTZ(3)) AS ts_ltz,
  CAST(ltz AS TIMESTAMP(3)) AS ltz_ts,
  CAST(ts AS TIMESTAMP(0)) AS ts_0,
  CAST(ts9 AS TIMESTAMP(3)) AS ts9_3,
  CAST(ts AS TIMESTAMP(6)) AS ts_6,
  CAST(ts9 AS TIMESTAMP) AS ts_default,
  CAST(d AS TIMESTAMP(3)) AS d_ts,
  CAST(d AS TIMESTAMP_LTZ(3)) AS d_ltz,
  CAST(t AS TIMESTAMP(3)) AS t_ts
FROM times;
