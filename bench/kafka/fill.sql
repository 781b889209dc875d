-- Not a query: writes the bids of the Nexmark generator into the topic that the queries read.
CREATE TABLE events (bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING>, event_type INT)
WITH ('connector' = 'nexmark', 'events.num' = '${ROWS}', 'first-event.rate' = '10000', 'base-time' = '2024-01-01 00:00:00');
CREATE TABLE bids (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json', 'properties.bootstrap.servers' = '${SERVERS}', 'sink.delivery-guarantee' = 'none');
INSERT INTO bids SELECT bid.auction, bid.bidder, bid.price, bid.channel, bid.url, bid.`dateTime`, bid.extra FROM events WHERE event_type = 2;
