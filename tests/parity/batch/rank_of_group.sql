-- A Top-N of an aggregation, without its rank.
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
SELECT bidder, n FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, bidder) AS rn FROM (SELECT bidder, COUNT(*) AS n FROM bids GROUP BY bidder)) WHERE rn <= 3;
