-- Rows of the last ten seconds, in time and nearly so.
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
SELECT id, auction, ts, COUNT(*) OVER w AS c, SUM(price) OVER w AS s, MIN(price) OVER w AS mi, MAX(price) OVER w AS ma FROM bids WINDOW w AS (PARTITION BY auction ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW);
