-- Bidders who outbid themselves: three bids on one auction within two seconds, each at least twice the one before.
--
--   flott run examples/patterns.sql
--
-- What MATCH_RECOGNIZE can do: docs/match_recognize.md. On Flink the connector comes in the jar of the Nexmark project.

CREATE TABLE events (
  event_type INT,
  person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING,
             `dateTime` TIMESTAMP(3), extra STRING>,
  auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT,
              `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING>,
  `dateTime` AS CASE
    WHEN event_type = 0 THEN person.`dateTime`
    WHEN event_type = 1 THEN auction.`dateTime`
    ELSE bid.`dateTime`
  END,
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH (
  'connector' = 'nexmark',
  'events.num' = '100000',
  'first-event.rate' = '1000',
  'base-time' = '2024-01-01 00:00:00'
);

CREATE VIEW bids AS
SELECT bid.auction, bid.bidder, bid.price, `dateTime` FROM events WHERE event_type = 2;

SELECT auction, bidder, first_price, last_price, `at`
FROM bids
MATCH_RECOGNIZE (
  PARTITION BY auction, bidder
  ORDER BY `dateTime`
  MEASURES
    A.price AS first_price,
    C.price AS last_price,
    MATCH_ROWTIME() AS `at`
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B C) WITHIN INTERVAL '2' SECOND
  DEFINE
    B AS B.price >= 2 * A.price,
    C AS C.price >= 2 * B.price
)
WHERE last_price > 500000 * first_price;
