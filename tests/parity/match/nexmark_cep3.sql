-- An auction whose first bids follow it within some seconds and whose best bid passes its reserve.
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
SELECT id, reserve, bids, best, opened, sold
FROM (
  SELECT auction.id AS id, 'open' AS kind, auction.reserve AS reserve, CAST(NULL AS BIGINT) AS price, `dateTime` FROM events WHERE event_type = 1
  UNION ALL
  SELECT bid.auction AS id, 'bid' AS kind, CAST(NULL AS BIGINT) AS reserve, bid.price AS price, `dateTime` FROM events WHERE event_type = 2
)
MATCH_RECOGNIZE (
  PARTITION BY id
  ORDER BY `dateTime`
  MEASURES
    O.reserve AS reserve,
    COUNT(B.price) AS bids,
    S.price AS best,
    O.`dateTime` AS opened,
    S.`dateTime` AS sold
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (O B*? S) WITHIN INTERVAL '30' SECOND
  DEFINE
    O AS O.kind = 'open',
    B AS B.kind = 'bid',
    S AS S.kind = 'bid' AND S.price > O.reserve
);
