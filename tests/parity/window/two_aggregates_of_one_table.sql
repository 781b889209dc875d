-- Two window aggregates of one table with late rows, joined: both leave out the same rows.
CREATE TABLE clicks (
  id INT,
  `user` STRING,
  spent INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/clicks.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT a.window_start, a.n, a.spent, b.n AS odd, b.spent AS odd_spent FROM (
  SELECT window_start, window_end, COUNT(*) AS n, SUM(spent) AS spent FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end) a
LEFT JOIN (
  SELECT window_start, window_end, COUNT(*) AS n, SUM(spent) AS spent FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '5' SECOND)) WHERE MOD(id, 2) = 1 GROUP BY window_start, window_end) b
ON a.window_start = b.window_start AND a.window_end = b.window_end;
