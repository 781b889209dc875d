-- All ranking functions with equal and NULL values in batch mode.
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
SELECT s, RANK() OVER (ORDER BY s) AS a, DENSE_RANK() OVER (ORDER BY s) AS b, PERCENT_RANK() OVER (ORDER BY s) AS c, CUME_DIST() OVER (ORDER BY s) AS e FROM readings;
