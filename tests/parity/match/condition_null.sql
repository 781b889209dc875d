-- A condition that is NULL is not fulfilled, also where a greedy quantifier looks at it.
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
    COUNT(A.id) AS n, B.id AS b_id
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A+ B)
  DEFINE
    A AS A.price > 15,
    B AS B.price IS NULL OR B.price > 0
) AS T;
