-- DISTINCT over all rows.
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
SELECT id, COUNT(DISTINCT s) OVER w AS a, SUM(DISTINCT v) OVER w AS b, COUNT(DISTINCT v) OVER w AS c FROM readings WINDOW w AS (PARTITION BY k ORDER BY ts);
