-- LEAD in processing time.
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
SELECT id, LEAD(v) OVER (ORDER BY PROCTIME()) AS a FROM readings;
