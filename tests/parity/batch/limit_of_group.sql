-- LIMIT over an ordered aggregation below.
-- in order
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
SELECT n, COUNT(*) AS c FROM (SELECT bidder, COUNT(*) AS n FROM bids GROUP BY bidder ORDER BY n DESC, bidder LIMIT 3) GROUP BY n ORDER BY n;
