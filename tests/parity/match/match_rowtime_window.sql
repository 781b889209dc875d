-- The time of the match is a time attribute: windows over matches.
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
CREATE VIEW found AS
SELECT *
FROM ticker
MATCH_RECOGNIZE (
  PARTITION BY symbol
  ORDER BY ts
  MEASURES
    LAST(A.price) AS last_price, MATCH_ROWTIME() AS rt
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A+ B)
  DEFINE
    A AS A.price > 20,
    B AS B.price <= 20
) AS T;
SELECT window_start, window_end, COUNT(*) AS n, SUM(last_price) AS s
FROM TABLE(TUMBLE(TABLE found, DESCRIPTOR(rt), INTERVAL '20' SECOND))
GROUP BY window_start, window_end;
