-- Keys that are expressions, a filter before the window, a projection after it.
CREATE TABLE bids (
  id INT,
  auction BIGINT,
  bidder STRING,
  price BIGINT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bids.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT UPPER(b) AS b, window_end AS at_, n * 10 AS n10 FROM (
  SELECT SUBSTRING(bidder, 1, 1) AS b, window_start, window_end, COUNT(*) AS n
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  WHERE price > 30
  GROUP BY SUBSTRING(bidder, 1, 1), window_start, window_end);
