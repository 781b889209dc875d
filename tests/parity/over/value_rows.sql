-- In the order of a value, row by row.
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
SELECT id, s, COUNT(*) OVER w AS c, SUM(v) OVER w AS t, MAX(v) OVER w AS m FROM readings WINDOW w AS (ORDER BY s ROWS UNBOUNDED PRECEDING);
