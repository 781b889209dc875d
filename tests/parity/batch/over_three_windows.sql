-- Three windows of several orders and keys in batch mode.
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
SELECT id, SUM(v) OVER (PARTITION BY k ORDER BY id) AS a, SUM(v) OVER (PARTITION BY k ORDER BY id DESC) AS b, RANK() OVER (PARTITION BY s ORDER BY id) AS c, COUNT(*) OVER () AS e FROM readings;
