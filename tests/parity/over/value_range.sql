-- In the order of a value with equals: a later row changes earlier results.
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
SELECT id, s, v, COUNT(*) OVER w AS c, COUNT(v) OVER w AS cv, SUM(v) OVER w AS sv, AVG(v) OVER w AS av, MIN(v) OVER w AS mi, MAX(v) OVER w AS ma FROM readings WINDOW w AS (ORDER BY s);
