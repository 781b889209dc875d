-- The last row of a key by event time, then an aggregate.
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
SELECT g, COUNT(*) AS n, SUM(v) AS v, MIN(s) AS s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS rn FROM changes WHERE n <> 5) WHERE rn = 1 GROUP BY g;
