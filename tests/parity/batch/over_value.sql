-- OVER by a value: final results only.
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
SELECT id, bidder, SUM(price) OVER (PARTITION BY bidder ORDER BY id) AS s, COUNT(*) OVER (PARTITION BY bidder ORDER BY id) AS n FROM bids;
