-- Left rows that change.
-- flink: SELECT t.venue, t.n, d.name FROM (SELECT venue, CAST(n AS INT) AS n FROM (SELECT venue, COUNT(*) AS n FROM trades GROUP BY venue)) AS t LEFT JOIN dim AS d ON t.n = d.k;
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
SELECT t.venue, t.n, d.name FROM (SELECT venue, CAST(n AS INT) AS n, PROCTIME() AS p FROM (SELECT venue, COUNT(*) AS n FROM trades GROUP BY venue)) AS t LEFT JOIN dim FOR SYSTEM_TIME AS OF t.p AS d ON t.n = d.k;
