-- An in-memory table: a view of VALUES.
-- flink: SELECT t.id, d.city FROM trades AS t LEFT JOIN venues AS d ON t.venue = d.code;
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
CREATE VIEW venues AS SELECT * FROM (VALUES ('a', 'Athens'), ('b', 'Bonn'), (CAST(NULL AS STRING), 'nowhere')) AS v(code, city);
SELECT t.id, d.city FROM trades AS t LEFT JOIN venues FOR SYSTEM_TIME AS OF t.p AS d ON t.venue = d.code;
