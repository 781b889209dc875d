-- LAG with defaults that are computed.
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
SELECT id, k, LAG(v, 1, 2 + 3) OVER w AS a, LAG(v, 1, id + 1) OVER w AS b FROM readings WINDOW w AS (PARTITION BY k ORDER BY ts);
