-- PERCENTILE of more than all values.
CREATE TABLE readings (
  id INT,
  k STRING,
  v INT,
  d DOUBLE,
  s STRING,
  ts TIMESTAMP(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/readings.json',
  'format' = 'json'
);
SELECT k, PERCENTILE(v, 1.5) AS a FROM readings GROUP BY k;
