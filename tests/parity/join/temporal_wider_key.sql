-- A key compared in a wider type.
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
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE,
  PRIMARY KEY (rate) NOT ENFORCED
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/rates_once.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT t.id, r.cur, r.ts FROM trades AS t LEFT JOIN rates FOR SYSTEM_TIME AS OF t.ts AS r ON CAST(t.amount AS BIGINT) + 98 = r.rate;
