-- LEAD and LAG with offsets and defaults in batch mode.
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
SELECT id, k, LEAD(v, 2) OVER (PARTITION BY k ORDER BY id) AS a, LAG(v, 2) OVER (PARTITION BY k ORDER BY id) AS b, LEAD(s, 3) OVER (PARTITION BY k ORDER BY id) AS c, LAG(d, 100) OVER (PARTITION BY k ORDER BY id) AS e, LEAD(v, 0) OVER (PARTITION BY k ORDER BY id) AS f FROM readings;
