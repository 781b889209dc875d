-- A condition that computes with two rows.
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
    A.id AS a_id, B.id AS b_id, B.price - A.price AS rise
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE
    B AS B.price - A.price > 5 OR B.rate > A.rate * 1.5
) AS T;
