-- A watermark on a column that is no timestamp of three digits.
CREATE TABLE bids (
  id INT,
  ts STRING,
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bids.json',
  'format' = 'json'
);
SELECT id FROM bids;
