-- A legacy window without keys, with DISTINCT, FILTER and HAVING.
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
SELECT TUMBLE_START(ts, INTERVAL '20' SECOND) AS s, COUNT(*) AS n, COUNT(DISTINCT bidder) AS b, COUNT(*) FILTER (WHERE price > 100) AS big
FROM bids
GROUP BY TUMBLE(ts, INTERVAL '20' SECOND)
HAVING COUNT(*) > 3;
