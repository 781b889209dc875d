-- GROUP BY behind OVER.
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
SELECT k, MAX(c) AS m, SUM(s) AS t FROM (SELECT k, COUNT(*) OVER w AS c, SUM(v) OVER w AS s FROM readings WINDOW w AS (PARTITION BY k ORDER BY ts ROWS 1 PRECEDING)) GROUP BY k;
