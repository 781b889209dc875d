-- A watermark on a timestamp of six digits.
CREATE TABLE bids (
  id INT,
  ts TIMESTAMP(6),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bids.json',
  'format' = 'json'
);
SELECT id FROM bids;
