-- Rows of the same time only.
CREATE TABLE bids (
  id INT,
  auction INT,
  bidder STRING,
  price INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bids.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT id, SUM(price) OVER (ORDER BY ts RANGE INTERVAL '0' SECOND PRECEDING) AS s FROM bids;
