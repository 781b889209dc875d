-- The last four rows of all.
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
SELECT id, AVG(price) OVER (ORDER BY ts ROWS 3 PRECEDING) AS a FROM bids;
