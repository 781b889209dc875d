-- NULL as condition of CASE WHEN.
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
SELECT id, CASE WHEN CAST(NULL AS BOOLEAN) THEN 1 WHEN NULL THEN 2 ELSE 0 END AS a FROM readings;
