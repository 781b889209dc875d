-- A default frame with two columns in the order in batch mode.
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
SELECT id, k, SUM(v) OVER (ORDER BY k, s DESC) AS a, COUNT(*) OVER (ORDER BY k, s DESC RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS b FROM readings;
