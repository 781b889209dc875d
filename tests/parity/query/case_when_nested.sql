-- Conditions within CASE, FILTER, AND, OR and NOT.
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
SELECT id, CASE WHEN v > 10 AND NOT (s = 'x' OR s IS NULL) THEN 'a' WHEN v IS NULL THEN 'b' ELSE 'c' END AS a FROM readings;
