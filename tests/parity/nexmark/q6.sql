-- The average price of the auctions of each seller that were over in the last minute, each when its window is.
CREATE TABLE events (
  event_type INT,
  person ROW<
    id BIGINT,
    name STRING,
    emailAddress STRING,
    creditCard STRING,
    city STRING,
    state STRING,
    `dateTime` TIMESTAMP(3),
    extra STRING>,
  auction ROW<
    id BIGINT,
    itemName STRING,
    description STRING,
    initialBid BIGINT,
    reserve BIGINT,
    `dateTime` TIMESTAMP(3),
    expires TIMESTAMP(3),
    seller BIGINT,
    category BIGINT,
    extra STRING>,
  bid ROW<
    auction BIGINT,
    bidder BIGINT,
    price BIGINT,
    channel STRING,
    url STRING,
    `dateTime` TIMESTAMP(3),
    extra STRING>,
  `dateTime` AS CASE
    WHEN event_type = 0 THEN person.`dateTime`
    WHEN event_type = 1 THEN auction.`dateTime`
    ELSE bid.`dateTime`
  END,
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/nexmark.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
CREATE VIEW auction AS
SELECT auction.id, auction.itemName, auction.description, auction.initialBid, auction.reserve, `dateTime`, auction.expires, auction.seller,
  auction.category, auction.extra
FROM events WHERE event_type = 1;
CREATE VIEW bid AS
SELECT bid.auction, bid.bidder, bid.price, bid.channel, bid.url, `dateTime`, bid.extra FROM events WHERE event_type = 2;
CREATE VIEW sold AS
SELECT A.id, A.seller, B.price, B.`dateTime`
FROM auction A, bid B
WHERE A.id = B.auction AND B.`dateTime` BETWEEN A.`dateTime` AND A.`dateTime` + INTERVAL '1' MINUTE AND B.`dateTime` <= A.expires;
CREATE VIEW winning AS
SELECT seller, final, window_time AS closed
FROM (
  SELECT window_start, window_end, window_time, id, seller, price AS final,
    ROW_NUMBER() OVER (PARTITION BY window_start, window_end, id ORDER BY price DESC) AS rownum
  FROM TABLE(TUMBLE(TABLE sold, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
)
WHERE rownum <= 1;
SELECT seller, closed, AVG(final) OVER (PARTITION BY seller ORDER BY closed RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS average
FROM winning;
