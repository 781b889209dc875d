-- In the order of an expression; of event time that is computed with, too.
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
SELECT id, COUNT(*) OVER (ORDER BY ts + INTERVAL '1' SECOND) AS c FROM readings;
