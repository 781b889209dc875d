-- Event time as TIMESTAMP_LTZ.
SET 'table.local-time-zone' = 'America/New_York';
CREATE TABLE trades (
  id INT,
  cur STRING,
  amount INT,
  venue STRING,
  ts STRING,
  t AS TO_TIMESTAMP_LTZ(UNIX_TIMESTAMP(ts), 0),
  WATERMARK FOR t AS t - INTERVAL '1' MINUTE
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
  ts STRING,
  v AS TO_TIMESTAMP_LTZ(UNIX_TIMESTAMP(ts), 0),
  WATERMARK FOR v AS v - INTERVAL '1' MINUTE,
  PRIMARY KEY (cur) NOT ENFORCED
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/rates.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT a.id, r.rate, r.v FROM trades AS a LEFT JOIN rates FOR SYSTEM_TIME AS OF a.t AS r ON a.cur = r.cur;
