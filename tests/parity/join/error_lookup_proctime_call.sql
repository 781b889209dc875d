-- As of PROCTIME().
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
SELECT t.id FROM trades AS t JOIN dim FOR SYSTEM_TIME AS OF PROCTIME() AS d ON t.id = d.k;
