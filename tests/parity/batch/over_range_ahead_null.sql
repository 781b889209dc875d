-- Frames of values ahead and behind alone, with NULL values first, in batch mode.
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
SELECT id, v, COUNT(*) OVER (ORDER BY v RANGE BETWEEN 10 PRECEDING AND 1 PRECEDING) AS a, COUNT(*) OVER (ORDER BY v RANGE BETWEEN 1 FOLLOWING AND 10 FOLLOWING) AS b, COUNT(*) OVER (ORDER BY v DESC RANGE BETWEEN 10 PRECEDING AND 1 PRECEDING) AS c, COUNT(*) OVER (ORDER BY v DESC RANGE BETWEEN 1 FOLLOWING AND 10 FOLLOWING) AS e FROM readings;
