-- Matches joined to a table by an interval.
CREATE TABLE ticker (
  id INT,
  symbol STRING,
  price INT,
  tax BIGINT,
  rate DECIMAL(10, 2),
  note STRING,
  ts TIMESTAMP(3),
  proc AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/ticker.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT M.symbol, M.low, t.id, t.price
FROM (
SELECT *
FROM ticker
MATCH_RECOGNIZE (
  PARTITION BY symbol
  ORDER BY ts
  MEASURES
    MIN(B.price) AS low, MATCH_ROWTIME() AS rt
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B+ C)
  DEFINE
    B AS B.price < A.price,
    C AS C.price > LAST(B.price)
) AS T
) M JOIN ticker t ON M.symbol = t.symbol AND t.ts BETWEEN M.rt AND M.rt + INTERVAL '2' SECOND WHERE t.price > 2;
