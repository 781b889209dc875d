-- Frames of the distance of DECIMAL values in batch mode.
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
SELECT id, d, COUNT(*) OVER (ORDER BY CAST(d AS DECIMAL(10, 2)) RANGE BETWEEN 1 PRECEDING AND 0.25 FOLLOWING) AS a FROM readings;
