-- An aggregate over a window aggregate by the same window.
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
SELECT window_start, window_end, MAX(n) AS most, COUNT(*) AS bidders
FROM (SELECT bidder, window_start, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY bidder, window_start, window_end)
GROUP BY window_start, window_end;
