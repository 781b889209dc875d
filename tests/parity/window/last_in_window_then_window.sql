-- The last row of each user in a window, then sums of larger windows.
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
CREATE VIEW lasts AS SELECT `user`, spent, window_time AS rt FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, `user` ORDER BY ts DESC) AS rn FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE id <> 23) WHERE rn = 1;
SELECT window_start, COUNT(*) AS n, SUM(spent) AS spent FROM TABLE(TUMBLE(TABLE lasts, DESCRIPTOR(rt), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
