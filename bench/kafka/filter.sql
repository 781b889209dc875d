CREATE TABLE sink (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3)) WITH (
  'connector' = 'kafka', 'topic' = 'filter', 'format' = 'json', 'properties.bootstrap.servers' = '${SERVERS}',
  'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'filter', 'properties.transaction.timeout.ms' = '600000'
);
INSERT INTO sink SELECT auction, bidder, price, `dateTime` FROM bid WHERE MOD(auction, 123) = 0;
