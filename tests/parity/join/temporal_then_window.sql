-- The left time orders what follows.
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
  PRIMARY KEY (cur) NOT ENFORCED
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/rates.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
CREATE VIEW priced AS SELECT t.ts, t.cur, t.amount * r.rate AS total FROM trades AS t JOIN rates FOR SYSTEM_TIME AS OF t.ts AS r ON t.cur = r.cur WHERE t.id <> 16;
SELECT window_start, window_end, cur, COUNT(*) AS n, SUM(total) AS total FROM TABLE(TUMBLE(TABLE priced, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end, cur;
