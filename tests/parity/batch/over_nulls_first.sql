-- NULLS FIRST and NULLS LAST in OVER in batch mode.
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
SELECT id, v, ROW_NUMBER() OVER (ORDER BY v NULLS FIRST, id) AS a, ROW_NUMBER() OVER (ORDER BY v NULLS LAST, id) AS b, ROW_NUMBER() OVER (ORDER BY v DESC NULLS LAST, id) AS c, ROW_NUMBER() OVER (ORDER BY v DESC, id) AS e FROM readings;
