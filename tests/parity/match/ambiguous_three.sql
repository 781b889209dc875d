-- Three loops over the same rows.
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
    FIRST(A.id) AS a_id, COUNT(A.id) AS n, COUNT(B.id) AS m, COUNT(D.id) AS k, C.id AS c_id
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (A{1,3}? B{0,2}? D+? C)
  DEFINE
    A AS A.price > 10,
    B AS B.price > 10,
    D AS D.price > 12,
    C AS C.price > 24
) AS T;
