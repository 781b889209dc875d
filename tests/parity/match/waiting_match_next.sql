-- The same with SKIP TO NEXT ROW.
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
    A.id AS a_id, COUNT(B.id) AS n, C.id AS c_id, MATCH_ROWTIME() AS rt
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (A B*? C)
  DEFINE
    B AS B.price > 0,
    C AS C.price > A.price + 4
) AS T;
