-- A window aggregate with late rows joined with an aggregate of all rows, late ones too.
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
SELECT a.`user`, a.window_start, a.n, b.n AS al FROM (
  SELECT `user`, window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY `user`, window_start, window_end) a
JOIN (SELECT `user`, COUNT(*) AS n FROM clicks GROUP BY `user`) b ON a.`user` = b.`user`;
