-- The LOOKUP hint.
-- flink: SELECT t.id, d.name FROM trades AS t LEFT JOIN dim AS d ON t.id = d.k;
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
CREATE TABLE dim (
  k INT,
  kind STRING,
  name STRING,
  w INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/dim.json',
  'format' = 'json'
);
SELECT /*+ LOOKUP('table' = 'd', 'async' = 'true', 'output-mode' = 'allow_unordered', 'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '1ms', 'max-attempts' = '1') */ t.id, d.name FROM trades AS t LEFT JOIN dim FOR SYSTEM_TIME AS OF t.p AS d ON t.id = d.k;
