-- Without PARTITION BY all rows are one sequence.
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
  ORDER BY ts
  MEASURES
    A.symbol AS first_symbol, B.symbol AS second_symbol, A.price AS p1, B.price AS p2
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE
    A AS A.price > 20,
    B AS B.price < 20
) AS T;
