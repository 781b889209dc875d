-- LEAD and LAG with a constant default in batch mode.
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
SELECT id, k, LEAD(id, 1, -1) OVER (PARTITION BY k ORDER BY id) AS a, LAG(id, 3, 0) OVER (PARTITION BY k ORDER BY id) AS b FROM readings;
