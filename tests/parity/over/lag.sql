-- LAG by one and two rows, with a default; equals in time see each other.
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
SELECT id, k, LAG(v) OVER w AS a, LAG(v, 2) OVER w AS b, LAG(s, 1, 'none') OVER w AS c, LAG(v, 1, id) OVER w AS e, LAG(v, 0) OVER w AS f FROM readings WINDOW w AS (PARTITION BY k ORDER BY ts);
