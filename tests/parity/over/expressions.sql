-- Expressions in keys, arguments and over results.
CREATE TABLE readings (
  id INT,
  k STRING,
  v INT,
  d DOUBLE,
  s STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/readings.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT id, SUM(v + 1) OVER w + 1 AS a, CASE WHEN COUNT(*) OVER w > 2 THEN 'many' ELSE 'few' END AS b, v - LAG(v, 1, 0) OVER w AS c FROM readings WHERE id < 12 WINDOW w AS (PARTITION BY UPPER(k), v > 10 ORDER BY ts);
