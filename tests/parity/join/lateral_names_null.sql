-- Aggregates in LATERAL under other names, with NULL keys.
CREATE TABLE trades (
  id INT,
  cur STRING,
  amount INT,
  venue STRING,
  ts TIMESTAMP(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/trades.json',
  'format' = 'json'
);
CREATE TABLE rates (
  cur STRING,
  rate INT,
  src STRING,
  ts TIMESTAMP(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/rates.json',
  'format' = 'json'
);
SELECT t.id, x.b FROM (SELECT DISTINCT id, cur FROM trades) AS t LEFT JOIN LATERAL (SELECT MIN(r.rate), COUNT(DISTINCT r.src) FROM rates AS r WHERE r.cur = t.cur OR t.cur IS NULL) AS x(a, b) ON TRUE;
