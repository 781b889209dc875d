-- Expressions over several variables.
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
    A.price + B.price AS sum_both, UPPER(A.note) || '-' || B.note AS notes, CASE WHEN A.price > B.price THEN 'down' ELSE 'up' END AS direction, B.rate * 2 - A.rate AS rates, TIMESTAMPDIFF(SECOND, A.ts, B.ts) AS seconds, LAST(B.price * 2) AS twice, FIRST(A.price + A.tax) AS taxed
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE
    A AS MOD(A.price, 2) = 0,
    B AS B.price <> A.price AND B.note IN ('a', 'b', 'x', 'c')
) AS T;
