-- Functions over aggregates and past rows.
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
    COALESCE(FIRST(B.note), 'none') AS n1, ABS(A.price - C.price) AS diff, CAST(AVG(B.price) AS DOUBLE) / 2 AS half
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B* C)
  DEFINE
    B AS B.price BETWEEN A.price - 6 AND A.price,
    C AS C.price > A.price OR C.note LIKE '%a%'
) AS T;
