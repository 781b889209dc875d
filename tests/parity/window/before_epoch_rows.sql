-- The windows of rows before 1970.
CREATE TABLE epoch (
  id INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '7' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/epoch.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT id, ts, window_start, window_end, window_time FROM TABLE(TUMBLE(TABLE epoch, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '3' SECOND));
