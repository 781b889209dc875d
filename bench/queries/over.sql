CREATE TABLE sink (bidder BIGINT, price BIGINT, average BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO sink
SELECT bidder, price, AVG(price) OVER (PARTITION BY bidder ORDER BY `dateTime` RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW)
FROM bid;
