-- ROW_NUMBER beside an aggregate over rows.
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
SELECT id, ROW_NUMBER() OVER w AS n, SUM(v) OVER (w ROWS UNBOUNDED PRECEDING) AS s FROM readings WINDOW w AS (PARTITION BY k ORDER BY ts);
