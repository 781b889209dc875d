-- The best rows of small windows, then sums of them in large ones.
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
CREATE VIEW best AS SELECT bidder, price, window_time AS rt FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY price DESC, id) AS rn
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND))) WHERE rn <= 2;
SELECT window_start, COUNT(*) AS n, SUM(price) AS price, MIN(bidder) AS b FROM TABLE(TUMBLE(TABLE best, DESCRIPTOR(rt), INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
