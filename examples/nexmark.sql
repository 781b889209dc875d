-- Three results of one reading of the Nexmark events, by two workers: prices of bids by channel, new auctions by category, and the
-- bids of one auction as they come. The INSERTs of a statement set are one job, and what they share is read once.
--
--   flott run examples/nexmark.sql
--
-- Results go to target/nexmark/. On Flink the connector comes in the jar of the Nexmark project.

SET 'parallelism.default' = '2';

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
SELECT bid.auction, bid.bidder, bid.price, bid.channel, `dateTime` FROM events WHERE event_type = 2;

CREATE VIEW auctions AS
SELECT auction.id, auction.category, auction.initialBid, `dateTime` FROM events WHERE event_type = 1;

CREATE TABLE channels (
  channel STRING, window_end TIMESTAMP(3), bids BIGINT, bidders BIGINT, price_max BIGINT
) PARTITIONED BY (channel) WITH ('connector' = 'filesystem', 'path' = 'target/nexmark/channels', 'format' = 'csv');

CREATE TABLE categories (
  window_end TIMESTAMP(3), category BIGINT, auctions BIGINT, initial_bid_avg BIGINT
) WITH ('connector' = 'filesystem', 'path' = 'target/nexmark/categories', 'format' = 'csv');

CREATE TABLE one_auction (
  bidder BIGINT, price BIGINT, bid_at TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = 'target/nexmark/one_auction', 'format' = 'json');

EXECUTE STATEMENT SET BEGIN

INSERT INTO channels
SELECT IF(channel IN ('Google', 'Facebook', 'Baidu', 'Apple'), channel, 'other'), window_end, COUNT(*), COUNT(DISTINCT bidder), MAX(price)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, IF(channel IN ('Google', 'Facebook', 'Baidu', 'Apple'), channel, 'other');

INSERT INTO categories
SELECT window_end, category, COUNT(*), AVG(initialBid)
FROM TABLE(CUMULATE(TABLE auctions, DESCRIPTOR(`dateTime`), INTERVAL '20' SECOND, INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, category;

INSERT INTO one_auction
SELECT bidder, price, `dateTime` FROM bids WHERE auction = 1001;

END;
