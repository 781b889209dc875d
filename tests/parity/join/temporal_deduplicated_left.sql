-- The same in a LEFT join.
CREATE TABLE trades (
  id INT,
  cur STRING,
  amount INT,
  venue STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/trades.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
CREATE TABLE rates (
  cur STRING,
  rate INT,
  src STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/rates_nulls.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
CREATE VIEW latest AS
SELECT cur, rate, src, ts FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY cur ORDER BY ts DESC) AS rn FROM rates
) WHERE rn = 1;
SELECT t.id, r.rate, r.src FROM trades AS t LEFT JOIN latest FOR SYSTEM_TIME AS OF t.ts AS r ON t.cur = r.cur;
