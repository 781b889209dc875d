-- A second window over window_time of the first.
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
SELECT bidder, window_start AS s5, window_time AS rt, SUM(price) AS s
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY bidder, window_start, window_end, window_time;
SELECT window_start, window_end, COUNT(*) AS n, SUM(s) AS s, MIN(rt) AS first_rt
FROM TABLE(TUMBLE(TABLE small, DESCRIPTOR(rt), INTERVAL '20' SECOND))
GROUP BY window_start, window_end;
