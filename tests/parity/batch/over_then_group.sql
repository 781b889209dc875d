-- An aggregation of OVER.
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
SELECT s, COUNT(*) AS c FROM (SELECT SUM(price) OVER (PARTITION BY bidder ORDER BY id) AS s FROM bids) GROUP BY s;
