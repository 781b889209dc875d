-- Rows and watermarks exactly on the edges of windows.
CREATE TABLE edges (
  id INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/edges.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT 'tumble' AS w, window_start, window_end, COUNT(*) AS n, MAX(id) AS last_id FROM TABLE(TUMBLE(TABLE edges, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end
UNION ALL
SELECT 'hop', window_start, window_end, COUNT(*), MAX(id) FROM TABLE(HOP(TABLE edges, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) GROUP BY window_start, window_end
UNION ALL
SELECT 'cumulate', window_start, window_end, COUNT(*), MAX(id) FROM TABLE(CUMULATE(TABLE edges, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) GROUP BY window_start, window_end;
