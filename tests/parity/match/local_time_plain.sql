-- MATCH_ROWTIME() without an argument over TIMESTAMP_LTZ.
SET 'table.local-time-zone' = 'Europe/Berlin';
CREATE TABLE ticker (
  id INT,
  symbol STRING,
  price INT,
  tax BIGINT,
  rate DECIMAL(10, 2),
  note STRING,
  ts TIMESTAMP(3),
  lts AS CAST(ts AS TIMESTAMP_LTZ(3)),
  proc AS PROCTIME(),
  WATERMARK FOR lts AS lts - INTERVAL '5' SECOND
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
  ORDER BY lts
  MEASURES A.lts AS a_ts, MATCH_ROWTIME() AS rt, B.id AS b_id
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE
    A AS A.price > 20
) AS T;
