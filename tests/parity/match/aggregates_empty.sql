-- Aggregates over a variable that took no row.
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
FROM ticker
MATCH_RECOGNIZE (
  PARTITION BY symbol
  ORDER BY ts
  MEASURES
    COUNT(A.price) AS n, SUM(A.price) AS s, MAX(A.price) AS hi, COUNT(*) AS n_all, FIRST(A.price) AS f, LAST(A.price) AS l, A.price AS p
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (S A* B)
  DEFINE
    A AS A.price > 1000,
    B AS B.price > 20
) AS T;
