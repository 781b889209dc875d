-- Bidding sprees: sessions of bids by one bidder without a pause of ten seconds, from the events of the Nexmark auction.
--
--   flott run examples/sessions.sql
--
-- The connector makes the events itself, always the same ones. On Flink it comes in the jar of the Nexmark project.

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
  'events.num' = '200000',
  'first-event.rate' = '1000',
  'base-time' = '2024-01-01 00:00:00'
);

CREATE VIEW bids AS
SELECT bid.bidder, bid.price, `dateTime` FROM events WHERE event_type = 2;

SELECT bidder, window_start, window_end, COUNT(*) AS bids, MAX(price) AS price_max
FROM TABLE(SESSION(TABLE bids PARTITION BY bidder, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end
HAVING COUNT(*) > 3460;
