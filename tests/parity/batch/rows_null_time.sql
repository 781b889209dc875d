-- A NULL time is no error where nothing goes by it.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE times (
  id INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT id, ts FROM times;
