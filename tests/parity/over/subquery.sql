-- OVER in a sub-query, and OVER of that.
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
SELECT id, k, c, SUM(c) OVER (ORDER BY ts ROWS 1 PRECEDING) AS x FROM (SELECT id, k, ts, COUNT(*) OVER (PARTITION BY k ORDER BY ts) AS c FROM readings) WHERE c < 5;
