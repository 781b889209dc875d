-- A table with its own versions.
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
SELECT t.cur, t.ts, r.rate FROM rates AS t JOIN rates FOR SYSTEM_TIME AS OF t.ts AS r ON t.cur = r.cur;
