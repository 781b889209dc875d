-- All aggregates in a window, with NULL values.
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
SELECT window_start, COUNT(*) AS n, COUNT(price) AS np, SUM(price) AS s, AVG(price) AS a, MIN(price) AS lo, MAX(price) AS hi, MIN(bidder) AS lb, MAX(bidder) AS hb, FIRST_VALUE(bidder) AS f, LAST_VALUE(bidder) AS l, LISTAGG(bidder, '+') AS names, ROUND(STDDEV_POP(CAST(price AS DOUBLE)), 6) AS sd, MAX(ts) AS latest
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
