-- In the order of a value, row by row and key by key.
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
SELECT id, k, s, COUNT(v) OVER w AS c, SUM(v) OVER w AS t FROM readings WINDOW w AS (PARTITION BY k ORDER BY s ROWS UNBOUNDED PRECEDING);
