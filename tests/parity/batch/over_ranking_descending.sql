-- Ranking functions by key in descending order and by two columns in batch mode.
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
SELECT k, d, s, RANK() OVER (PARTITION BY k ORDER BY d DESC, s) AS a, DENSE_RANK() OVER (PARTITION BY k ORDER BY d DESC, s) AS b, PERCENT_RANK() OVER (PARTITION BY k ORDER BY d DESC, s) AS c, CUME_DIST() OVER (PARTITION BY k ORDER BY d DESC, s) AS e FROM readings;
