-- A window over a view that filters and renames.
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
CREATE VIEW pricey AS SELECT ts AS at_, UPPER(bidder) AS who, price * 2 AS p FROM bids WHERE price >= 100;
SELECT who, window_start, COUNT(*) AS n, SUM(p) AS s
FROM TABLE(TUMBLE(TABLE pricey, DESCRIPTOR(at_), INTERVAL '20' SECOND))
GROUP BY who, window_start, window_end;
