-- Keys in another order are the same window.
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
SELECT id, SUM(v) OVER (PARTITION BY k, s ORDER BY ts) AS a, COUNT(v) OVER (PARTITION BY s, k ORDER BY ts) AS b FROM readings;
