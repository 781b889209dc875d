-- Aggregates over a variable and over all rows.
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
    COUNT(A.price) AS n, COUNT(*) AS n_all, SUM(A.price) AS s, AVG(A.price) AS a, MIN(A.price) AS lo, MAX(A.price) AS hi,
    SUM(price) AS s_all, AVG(price) AS avg_all, SUM(A.tax) AS taxes, AVG(A.rate) AS rates, SUM(A.rate) AS rate_sum, MAX(note) AS last_note, SUM(A.price * 2 + A.id) AS calc
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A+ B)
  DEFINE
    A AS A.price < 25,
    B AS B.price >= 25
) AS T;
