-- IGNORE NULLS behind LAG and LEAD in batch mode.
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
SELECT id, LAG(v) IGNORE NULLS OVER (ORDER BY id) AS a, LEAD(v) RESPECT NULLS OVER (ORDER BY id) AS b FROM readings;
