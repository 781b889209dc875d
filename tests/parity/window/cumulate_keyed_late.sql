-- CUMULATE by key: a window is emitted at every step, also when nothing was added.
CREATE TABLE clicks (
  id INT,
  `user` STRING,
  spent INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '4' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/clicks.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT `user`, window_start, window_end, COUNT(*) AS n, SUM(spent) AS s
FROM TABLE(CUMULATE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND))
GROUP BY `user`, window_start, window_end;
