-- All rows in one sequence.
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
SELECT id, COUNT(*) OVER (ORDER BY ts) AS c, SUM(price) OVER (ORDER BY ts) AS s FROM bids;
