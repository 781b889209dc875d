-- The first row of a key by arrival, then a window: its rows are late like any.
CREATE TABLE changes (
  n INT,
  k STRING,
  g STRING,
  v INT,
  ts TIMESTAMP(3),
  p AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '3' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/changes.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT window_start, COUNT(*) AS n, SUM(v) AS v FROM TABLE(TUMBLE((SELECT k, v, ts FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY p) AS rn FROM changes) WHERE rn = 1), DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
