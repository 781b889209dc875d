-- Aggregates in LATERAL: no row for a row without rows, not even for COUNT.
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
SELECT t.id, x.n, x.m FROM trades AS t, LATERAL (SELECT COUNT(*) AS n, MAX(rate) AS m FROM rates AS r WHERE r.cur = t.cur) AS x;
