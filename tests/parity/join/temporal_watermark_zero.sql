-- Left rows come out of order, and the watermark does not wait for them; every key has one version, so that it is still there for them.
CREATE TABLE trades (
  id INT,
  cur STRING,
  amount INT,
  venue STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
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
  WATERMARK FOR ts AS ts,
  PRIMARY KEY (cur) NOT ENFORCED
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/rates_once.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT t.id, r.rate FROM trades AS t LEFT JOIN rates FOR SYSTEM_TIME AS OF t.ts AS r ON t.cur = r.cur;
