-- LAG by what functions of constants give.
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
SELECT id, k, LAG(v, MOD(5, 3)) OVER w AS a, LAG(v, CHAR_LENGTH('ab')) OVER w AS b FROM readings WINDOW w AS (PARTITION BY k ORDER BY ts);
