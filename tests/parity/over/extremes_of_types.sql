-- MIN and MAX of time, text and double as rows leave.
CREATE TABLE readings (
  id INT,
  k STRING,
  v INT,
  d DOUBLE,
  s STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/readings.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT id, MAX(ts) OVER w AS m, MIN(s) OVER w AS n, MAX(d) OVER w AS o FROM readings WINDOW w AS (PARTITION BY k ORDER BY ts ROWS 1 PRECEDING);
