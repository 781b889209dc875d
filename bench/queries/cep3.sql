CREATE TABLE sink (id BIGINT, reserve BIGINT, bids BIGINT, best BIGINT, opened TIMESTAMP(3), sold TIMESTAMP(3)) WITH ('connector' = 'blackhole');
INSERT INTO sink
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
