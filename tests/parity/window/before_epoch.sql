-- Windows before 1970 and across it.
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
SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE epoch, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end
UNION ALL
SELECT window_start, window_end, -COUNT(*) FROM TABLE(HOP(TABLE epoch, DESCRIPTOR(ts), INTERVAL '6' SECOND, INTERVAL '18' SECOND)) GROUP BY window_start, window_end;
