CREATE VIEW versions AS
SELECT id, category, seller, `dateTime` FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY `dateTime` DESC) AS rn FROM auction
) WHERE rn = 1;
CREATE TABLE sink (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), category BIGINT, seller BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO sink
SELECT B.auction, B.bidder, B.price, B.`dateTime`, A.category, A.seller
FROM bid AS B JOIN versions FOR SYSTEM_TIME AS OF B.`dateTime` AS A ON B.auction = A.id;
