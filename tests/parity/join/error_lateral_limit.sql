-- LIMIT without an order in LATERAL.
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
SELECT c.cur, x.src FROM (SELECT DISTINCT cur FROM rates) AS c, LATERAL (SELECT src FROM rates AS r WHERE r.cur = c.cur LIMIT 1) AS x;
