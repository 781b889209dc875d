-- Early firing of HOP.
SET 'table.exec.emit.early-fire.enabled' = 'true';
SET 'table.exec.emit.early-fire.delay' = '0 s';
CREATE TABLE bids (
  id INT,
  auction BIGINT,
  bidder STRING,
  price BIGINT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bids.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT HOP_START(ts, INTERVAL '5' SECOND, INTERVAL '15' SECOND) AS s, COUNT(*) AS n, SUM(price) AS p FROM bids GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '15' SECOND);
