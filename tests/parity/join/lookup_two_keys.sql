-- A key of two columns, one of them computed.
-- flink: SELECT t.id, d.name FROM trades AS t LEFT JOIN dim AS d ON MOD(t.id, 5) = d.k AND d.kind = CASE WHEN t.venue = 'a' THEN 'x' ELSE 'y' END;
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
SELECT t.id, d.name FROM trades AS t LEFT JOIN dim FOR SYSTEM_TIME AS OF t.p AS d ON MOD(t.id, 5) = d.k AND d.kind = CASE WHEN t.venue = 'a' THEN 'x' ELSE 'y' END;
