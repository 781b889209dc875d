-- Frames of days over a DATE in batch mode.
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
SELECT id, e, COUNT(*) OVER (ORDER BY e RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW) AS a, COUNT(*) OVER (ORDER BY e RANGE BETWEEN INTERVAL '2' DAY PRECEDING AND INTERVAL '1' DAY FOLLOWING) AS b FROM (SELECT id, CAST(CAST(TIMESTAMPADD(DAY, id / 2, ts) AS DATE) AS DATE) AS e FROM readings);
