-- Over a query: filtered and computed columns.
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
SELECT *
FROM (SELECT LOWER(symbol) AS sym, price * 2 AS doubled, ts FROM ticker WHERE price IS NOT NULL)
MATCH_RECOGNIZE (
  PARTITION BY sym
  ORDER BY ts
  MEASURES A.doubled AS d1, B.doubled AS d2
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE B AS B.doubled > A.doubled
) AS T;
