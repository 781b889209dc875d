-- LAG by constants that are computed.
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
SELECT id, k, LAG(v, 1 + 1) OVER w AS a, LAG(v, CAST('2' AS INT)) OVER w AS b, LAG(id, 3 - 1, 0 - 1) OVER w AS c FROM readings WINDOW w AS (PARTITION BY k ORDER BY ts);
