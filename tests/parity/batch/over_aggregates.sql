-- All sorts of aggregates over a frame in batch mode.
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
SELECT id, k, MIN(v) OVER w AS a, MAX(s) OVER w AS b, SUM(d) OVER w AS c, AVG(v) OVER w AS e, STDDEV_POP(v) OVER w AS f, AVG(d) OVER w AS g, MIN(ts) OVER w AS h FROM readings WINDOW w AS (PARTITION BY k ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING);
