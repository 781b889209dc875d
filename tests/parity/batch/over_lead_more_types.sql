-- LEAD and LAG of all sorts of types in batch mode.
SET 'execution.runtime-mode' = 'batch';
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
SELECT id, LEAD(CAST(d AS DECIMAL(10, 2))) OVER (ORDER BY id) AS a, LEAD(ts) OVER (ORDER BY id) AS b, LEAD(v > 10) OVER (ORDER BY id) AS c, LAG(CAST(ts AS DATE)) OVER (ORDER BY id) AS e, LAG(s, 2) OVER (ORDER BY id) AS f, LEAD(CAST(d AS FLOAT)) OVER (ORDER BY id) AS g, LAG(CAST(ts AS TIME)) OVER (ORDER BY id) AS h FROM readings;
