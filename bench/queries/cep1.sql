CREATE TABLE sink (auction BIGINT, start_price BIGINT, low_price BIGINT, end_price BIGINT, falls BIGINT, end_time TIMESTAMP(3)) WITH ('connector' = 'blackhole');
INSERT INTO sink
SELECT auction, start_price, low_price, end_price, falls, end_time
FROM bid
MATCH_RECOGNIZE (
  PARTITION BY auction
  ORDER BY `dateTime`
  MEASURES
    A.price AS start_price,
    LAST(DOWN.price) AS low_price,
    UP.price AS end_price,
    COUNT(DOWN.price) AS falls,
    UP.`dateTime` AS end_time
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A DOWN{2,} UP)
  DEFINE
    DOWN AS DOWN.price < LAST(DOWN.price, 1) OR (LAST(DOWN.price, 1) IS NULL AND DOWN.price < A.price),
    UP AS UP.price > LAST(DOWN.price)
);
