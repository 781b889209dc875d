-- OVER in a view and in WITH in batch mode.
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
WITH r AS (SELECT id, k, RANK() OVER (PARTITION BY k ORDER BY id) AS n FROM readings) SELECT a.id, b.id AS next_id FROM r AS a JOIN r AS b ON a.k = b.k AND a.n + 1 = b.n;
