-- A view that filters and computes.
-- flink: SELECT t.id, d.name, d.twice FROM trades AS t LEFT JOIN v AS d ON t.id = d.k;
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
CREATE VIEW v AS SELECT w * 2 AS twice, k, UPPER(name) AS name FROM dim WHERE w > 10;
SELECT t.id, d.name, d.twice FROM trades AS t LEFT JOIN v FOR SYSTEM_TIME AS OF t.p AS d ON t.id = d.k;
