-- OVER by a time column, which is a plain one.
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
SELECT id, bidder, SUM(price) OVER (PARTITION BY bidder ORDER BY ts) AS s FROM bids;
