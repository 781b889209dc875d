-- DISTINCT and FILTER inside sessions.
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
SELECT bidder, window_start, window_end, COUNT(DISTINCT auction) AS a, COUNT(*) FILTER (WHERE price > 90) AS big
FROM TABLE(SESSION(TABLE bids PARTITION BY bidder, DESCRIPTOR(ts), INTERVAL '8' SECOND))
GROUP BY bidder, window_start, window_end;
