-- The first row of a key by event time, then an aggregate: a late row takes the first one back.
CREATE TABLE changes (
  n INT,
  k STRING,
  g STRING,
  v INT,
  d DECIMAL(10, 2),
  s STRING,
  gone BOOLEAN,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '3' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/changes.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT g, COUNT(*) AS n, SUM(v) AS v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) AS rn FROM changes) WHERE rn = 1 GROUP BY g;
