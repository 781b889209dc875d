-- A CSV file, and a key compared in a wider type.
-- flink: SELECT t.id, s.`value` FROM trades AS t JOIN sides AS s ON MOD(t.amount, 4) = s.key;
CREATE TABLE trades (
  id INT,
  cur STRING,
  amount INT,
  venue STRING,
  ts TIMESTAMP(3),
  p AS PROCTIME()
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/trades.json',
  'format' = 'json'
);
CREATE TABLE sides (key BIGINT, `value` STRING) WITH ('connector' = 'filesystem', 'path' = '${DATA}/side.csv', 'format' = 'csv');
SELECT t.id, s.`value` FROM trades AS t JOIN sides FOR SYSTEM_TIME AS OF t.p AS s ON MOD(t.amount, 4) = s.key;
