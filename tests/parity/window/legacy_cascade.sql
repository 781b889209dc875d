-- A legacy window over the row time of another.
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
CREATE VIEW small AS
SELECT TUMBLE_ROWTIME(ts, INTERVAL '5' SECOND) AS rt, bidder, SUM(price) AS s
FROM bids GROUP BY bidder, TUMBLE(ts, INTERVAL '5' SECOND);
SELECT TUMBLE_START(rt, INTERVAL '30' SECOND) AS s30, COUNT(*) AS n, SUM(s) AS s
FROM small GROUP BY TUMBLE(rt, INTERVAL '30' SECOND);
