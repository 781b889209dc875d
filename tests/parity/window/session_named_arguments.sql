-- SESSION with named arguments.
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
SELECT `user`, window_start, window_end, COUNT(*) AS n, SUM(spent) AS s, MIN(id) AS first_id, MAX(id) AS last_id
FROM TABLE(SESSION(DATA => TABLE clicks PARTITION BY `user`, TIMECOL => DESCRIPTOR(ts), GAP => INTERVAL '2' SECOND))
GROUP BY `user`, window_start, window_end;
