-- CAST of times to text, with the digits that the precision asks for.
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
  CAST(ts AS STRING) AS ts_,
  CAST(ts9 AS STRING) AS ts9_,
  CAST(CAST(ts AS TIMESTAMP(0)) AS STRING) AS ts0_,
  CAST(CAST(ts9 AS TIMESTAMP(6)) AS STRING) AS ts6_,
  CAST(d AS STRING) AS d_,
  CAST(t AS STRING) AS t_,
  CAST(ltz AS STRING) AS ltz_,
  CAST(ts AS VARCHAR(10)) AS short_
FROM times;
