-- NTILE with more and fewer tiles than rows in batch mode.
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
SELECT id, k, NTILE(3) OVER (PARTITION BY k ORDER BY id) AS a, NTILE(100) OVER (PARTITION BY k ORDER BY id DESC) AS b, NTILE(4) OVER (ORDER BY id) AS c FROM readings;
