-- SESSION without PARTITION BY.
CREATE TABLE clicks (
  id INT,
  `user` STRING,
  spent INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/clicks.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT window_start, window_end, COUNT(*) AS n, SUM(spent) AS s, MIN(id) AS first_id, MAX(id) AS last_id
FROM TABLE(SESSION(TABLE clicks, DESCRIPTOR(ts), INTERVAL '3' SECOND))
GROUP BY window_start, window_end;
