-- SESSION under a delayed watermark.
CREATE TABLE clicks (
  id INT,
  `user` STRING,
  spent INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '6' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/clicks.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT `user`, window_start, window_end, COUNT(*) AS n, SUM(spent) AS s, MIN(id) AS first_id, MAX(id) AS last_id
FROM TABLE(SESSION(TABLE clicks PARTITION BY `user`, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY `user`, window_start, window_end;
