CREATE TABLE sink (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, b_dateTime TIMESTAMP(3), itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, a_dateTime TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO sink
SELECT auction, bidder, price, channel, url, B.`dateTime`, itemName, description, initialBid, reserve, A.`dateTime`, expires, seller, category
FROM bid AS B INNER JOIN auction AS A ON B.auction = A.id
WHERE A.category = 10;
