-- Frames of values in descending order, with NULL values, in batch mode.
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
SELECT id, v, COUNT(*) OVER (ORDER BY v DESC RANGE BETWEEN 10 PRECEDING AND 5 FOLLOWING) AS a, SUM(id) OVER (ORDER BY v DESC RANGE BETWEEN UNBOUNDED PRECEDING AND 3 PRECEDING) AS b, SUM(id) OVER (ORDER BY v DESC RANGE BETWEEN 2 FOLLOWING AND UNBOUNDED FOLLOWING) AS c FROM readings;
