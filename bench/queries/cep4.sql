CREATE TABLE sink (bidder BIGINT, small_bids BIGINT, average BIGINT, high BIGINT, high_time TIMESTAMP(3)) WITH ('connector' = 'blackhole');
INSERT INTO sink
SELECT bidder, small_bids, average, high, high_time
FROM bid
MATCH_RECOGNIZE (
  PARTITION BY bidder
  ORDER BY `dateTime`
  MEASURES
    COUNT(A.price) AS small_bids,
    AVG(A.price) AS average,
    B.price AS high,
    B.`dateTime` AS high_time
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A{3,} B) WITHIN INTERVAL '1' MINUTE
  DEFINE
    A AS A.price < 10000,
    B AS B.price > 100 * AVG(A.price)
);
