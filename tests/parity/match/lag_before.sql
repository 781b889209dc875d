-- MATCH_RECOGNIZE over a column of LAG, which stands for PREV.
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
FROM (SELECT *, LAG(price) OVER (PARTITION BY symbol ORDER BY ts) AS before_price FROM ticker)
MATCH_RECOGNIZE (
  PARTITION BY symbol
  ORDER BY ts
  MEASURES FIRST(A.id) AS first_a, FIRST(A.before_price) AS before_a, B.id AS id_b, B.before_price AS before_b
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A+ B)
  DEFINE A AS A.price > A.before_price, B AS B.price < B.before_price
) AS T;
