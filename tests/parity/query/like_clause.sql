-- CREATE TABLE … LIKE takes columns, options and watermark over and may change them.
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
CREATE TABLE more (
  doubled AS price * 2
) WITH (
  'json.ignore-parse-errors' = 'true'
) LIKE bids (
  EXCLUDING WATERMARKS
  OVERWRITING OPTIONS
);
SELECT id, bidder, doubled FROM more WHERE id < 6;
