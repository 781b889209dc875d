-- FIRST and LAST with offsets, in MEASURES and DEFINE.
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
    FIRST(A.price) AS f0, FIRST(A.price, 1) AS f1, FIRST(A.price, 2) AS f2, LAST(A.price) AS l0, LAST(A.price, 1) AS l1, LAST(A.price, 2) AS l2, FIRST(price, 1) AS any_f1, LAST(price, 1) AS any_l1, price AS any_last, FIRST(price) AS any_first
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A+ B)
  DEFINE
    A AS LAST(A.price, 1) IS NULL OR A.price > LAST(A.price, 1),
    B AS B.price <= LAST(A.price)
) AS T;
