-- MATCH_RECOGNIZE with WITHIN and late rows in batch mode.
SET 'execution.runtime-mode' = 'batch';
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
  ORDER BY ts, id
  MEASURES FIRST(A.id) AS x, B.id AS y, COUNT(A.id) AS n
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (A+? B) WITHIN INTERVAL '5' SECOND
  DEFINE A AS A.price > 10, B AS B.price > LAST(A.price)
) AS T;
