-- A window over rows that a stream would change.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE bids (
  id INT,
  auction BIGINT,
  bidder STRING,
  price BIGINT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bids.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT window_start, window_end, COUNT(*) AS n, SUM(c) AS c FROM TABLE(TUMBLE((SELECT bidder, MAX(ts) AS ts, COUNT(*) AS c FROM bids GROUP BY bidder), DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
