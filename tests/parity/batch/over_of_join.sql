-- OVER of a join in batch mode.
SET 'execution.runtime-mode' = 'batch';
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
SELECT a.id, b.id AS other, COUNT(*) OVER (PARTITION BY a.k ORDER BY a.id, b.id) AS n FROM readings AS a JOIN readings AS b ON a.k = b.k AND a.id < b.id;
