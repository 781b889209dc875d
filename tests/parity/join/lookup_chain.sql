-- Two look-ups, one by what the other found.
-- flink: SELECT t.id, a.name, b.kind, b.w FROM trades AS t JOIN dim AS a ON t.id = a.k LEFT JOIN dim AS b ON a.w = b.w + 5;
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
SELECT t.id, a.name, b.kind, b.w FROM trades AS t JOIN dim FOR SYSTEM_TIME AS OF t.p AS a ON t.id = a.k LEFT JOIN dim FOR SYSTEM_TIME AS OF t.p AS b ON a.w = b.w + 5;
