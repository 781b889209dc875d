-- The legacy group window SESSION with its auxiliary functions and late rows.
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
SELECT auction, SESSION_START(ts, INTERVAL '6' SECOND) AS s, SESSION_END(ts, INTERVAL '6' SECOND) AS e, SESSION_ROWTIME(ts, INTERVAL '6' SECOND) AS rt, COUNT(*) AS n, SUM(price) AS total, MAX(id) AS last_id
FROM bids
GROUP BY auction, SESSION(ts, INTERVAL '6' SECOND);
