-- A lateral Top-N for each row of the same table.
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
SELECT c.cur, x.rate FROM rates AS c, LATERAL (SELECT rate FROM rates AS r WHERE r.cur = c.cur ORDER BY rate DESC LIMIT 1) AS x;
