-- The legacy window HOP.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE bids (
  id INT,
  auction BIGINT,
  bidder STRING,
  price BIGINT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bids.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT HOP_START(ts, INTERVAL '5' SECOND, INTERVAL '15' SECOND) AS s, COUNT(*) AS n, SUM(price) AS p FROM bids GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '15' SECOND);
