-- A time attribute computed from text or from a number.
CREATE TABLE bids (
  id INT,
  price BIGINT,
  ts STRING,
  rt AS TO_TIMESTAMP(ts),
  WATERMARK FOR rt AS rt - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bids.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT window_start, COUNT(*) AS n, MAX(rt) AS latest
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(rt), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
