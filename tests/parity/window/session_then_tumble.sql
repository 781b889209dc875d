-- Sessions with late rows, then a window over their ends.
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
CREATE VIEW s AS SELECT `user`, window_time AS rt, COUNT(*) AS n, SUM(spent) AS spent FROM TABLE(SESSION(TABLE clicks PARTITION BY `user`, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY `user`, window_start, window_end, window_time;
SELECT window_start, COUNT(*) AS sessions, SUM(n) AS n, SUM(spent) AS spent FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(rt), INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
