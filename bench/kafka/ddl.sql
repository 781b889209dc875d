-- Bids as JSON in four partitions of a topic, and results into a topic, exactly once, with a checkpoint every second.
SET 'execution.checkpointing.interval' = '1 s';
CREATE TABLE bid (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING,
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'bids', 'format' = 'json', 'properties.bootstrap.servers' = '${SERVERS}',
  'properties.group.id' = 'bench', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'
);
