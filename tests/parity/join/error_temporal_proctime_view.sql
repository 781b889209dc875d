-- By processing time, with an aggregation.
CREATE TABLE trades (
  id INT,
  cur STRING,
  amount INT,
  venue STRING,
  ts TIMESTAMP(3),
  p AS PROCTIME(),
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
CREATE VIEW counts AS SELECT cur, COUNT(*) AS n FROM rates GROUP BY cur;
SELECT t.id FROM trades AS t JOIN counts FOR SYSTEM_TIME AS OF t.p AS r ON t.cur = r.cur;
