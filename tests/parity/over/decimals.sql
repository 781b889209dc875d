-- Decimals as rows leave.
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
SELECT id, SUM(x) OVER w AS a, AVG(x) OVER w AS b, MIN(x) OVER w AS c FROM (SELECT *, CAST(v AS DECIMAL(10, 2)) AS x FROM readings) WINDOW w AS (PARTITION BY k ORDER BY ts ROWS 2 PRECEDING);
