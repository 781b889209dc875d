-- LATERAL that keeps the rows before it, with a comparison other than =.
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
SELECT t.id, x.rate FROM trades AS t LEFT JOIN LATERAL (SELECT rate FROM rates AS r WHERE r.cur = t.cur AND r.rate < t.amount) AS x ON TRUE;
