-- LISTAGG and ARRAY_AGG as rows leave.
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
SELECT id, LISTAGG(s) OVER w AS a, LISTAGG(s, '-') OVER w AS b, CARDINALITY(ARRAY_AGG(s) OVER w) AS c, ARRAY_AGG(s) OVER w AS e FROM readings WINDOW w AS (PARTITION BY k ORDER BY ts ROWS 2 PRECEDING);
