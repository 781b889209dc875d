-- A row number with a bound, but not alone.
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
SELECT id, n, c FROM (SELECT *, ROW_NUMBER() OVER w AS n, COUNT(*) OVER (w ROWS UNBOUNDED PRECEDING) AS c FROM readings WINDOW w AS (PARTITION BY k ORDER BY ts)) WHERE n <= 2;
