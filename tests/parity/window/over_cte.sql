-- A window over a common table expression.
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
WITH first_ AS (SELECT ts, bidder FROM bids WHERE auction = 1)
SELECT window_start, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE first_, DESCRIPTOR(ts), INTERVAL '20' SECOND))
GROUP BY window_start, window_end;
