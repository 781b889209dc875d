-- Rows without a time are in no window.
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
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE times, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, window_end;
