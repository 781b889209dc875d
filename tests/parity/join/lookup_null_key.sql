-- The left key is NULL in some rows.
-- flink: SELECT t.id, t.cur, d.k FROM trades AS t LEFT JOIN dim AS d ON CASE WHEN t.cur = 'EUR' THEN 'x' END = d.kind;
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
SELECT t.id, t.cur, d.k FROM trades AS t LEFT JOIN dim FOR SYSTEM_TIME AS OF t.p AS d ON CASE WHEN t.cur = 'EUR' THEN 'x' END = d.kind;
