-- An interval join of the results of windows.
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
CREATE VIEW b AS SELECT window_time AS rt, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE price > 0 GROUP BY window_start, window_end, window_time;
CREATE VIEW c AS SELECT window_time AS rt, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, window_time;
SELECT b.rt, b.n, c.rt AS other, c.n AS m FROM b JOIN c ON b.n > c.n AND MOD(b.n, 2) = MOD(c.n, 2) AND c.rt BETWEEN b.rt - INTERVAL '10' SECOND AND b.rt;
