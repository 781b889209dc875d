CREATE TABLE sink (bidder BIGINT, first_price BIGINT, last_price BIGINT, first_time TIMESTAMP(3), last_time TIMESTAMP(3)) WITH ('connector' = 'blackhole');
INSERT INTO sink
SELECT bidder, first_price, last_price, first_time, last_time
FROM bid
MATCH_RECOGNIZE (
  PARTITION BY bidder
  ORDER BY `dateTime`
  MEASURES
    A.price AS first_price,
    D.price AS last_price,
    A.`dateTime` AS first_time,
    D.`dateTime` AS last_time
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B C D) WITHIN INTERVAL '10' SECOND
  DEFINE
    B AS B.price > A.price,
    C AS C.price > B.price,
    D AS D.price > C.price
);
