-- A window over UNION ALL.
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
CREATE VIEW both_ AS SELECT ts, price FROM bids WHERE auction = 1 UNION ALL SELECT ts, -price FROM bids WHERE auction = 2;
SELECT window_start, COUNT(*) AS n, SUM(price) AS s
FROM TABLE(TUMBLE(TABLE both_, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
