-- PERCENTILE of texts.
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
SELECT k, PERCENTILE(s, 0.5) AS a FROM readings GROUP BY k;
