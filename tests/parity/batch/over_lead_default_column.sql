-- LEAD and LAG with the default in a column in batch mode.
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
SELECT id, k, LEAD(v, 1, id) OVER (PARTITION BY k ORDER BY id) AS a, LAG(v, 1, id) OVER (PARTITION BY k ORDER BY id) AS b, LAG(s) OVER (PARTITION BY k ORDER BY id DESC) AS c FROM readings;
