-- Text compared with times is parsed first.
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
  d > '2024-01-01' AS d_gt,
  ts >= '2024-01-01 00:00:00' AS ts_ge,
  ts = TIMESTAMP '2024-01-01 00:00:00' AS ts_eq,
  t < TIME '13:00:00' AS t_lt,
  ts9 > ts AS ts_vs_ts9,
  d IN (DATE '2024-01-01', DATE '2024-02-29') AS d_in,
  d BETWEEN DATE '2024-01-01' AND DATE '2024-12-31' AS d_between
FROM times;
