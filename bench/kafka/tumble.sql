CREATE TABLE sink (auction BIGINT, window_end TIMESTAMP(3), bids BIGINT, price BIGINT) WITH (
  'connector' = 'kafka', 'topic' = 'tumble', 'format' = 'json', 'properties.bootstrap.servers' = '${SERVERS}',
  'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'tumble', 'properties.transaction.timeout.ms' = '600000'
);
INSERT INTO sink
SELECT auction, window_end, COUNT(*), MAX(price)
FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
GROUP BY auction, window_start, window_end;
