CREATE TABLE sink (auction BIGINT, bidder BIGINT, price BIGINT, rank_number BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO sink
SELECT auction, bidder, price, rank_number
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS rank_number FROM bid
)
WHERE rank_number <= 10;
