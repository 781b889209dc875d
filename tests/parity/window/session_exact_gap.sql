-- Two rows exactly one gap apart belong to one session.
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
SELECT window_start, window_end, COUNT(*) AS n, MAX(id) AS last_id
FROM TABLE(SESSION(TABLE edges, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY window_start, window_end;
