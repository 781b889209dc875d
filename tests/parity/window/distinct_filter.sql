-- DISTINCT and FILTER in windows.
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
SELECT auction, window_start, COUNT(DISTINCT bidder) AS b, COUNT(DISTINCT bidder) FILTER (WHERE price > 100) AS rich, COUNT(*) FILTER (WHERE bidder = 'alice') AS alice, SUM(price) FILTER (WHERE price < 50) AS small
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY auction, window_start, window_end;
