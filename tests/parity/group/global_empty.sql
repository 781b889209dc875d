-- An aggregate without GROUP BY over an empty input gives no row.
CREATE TABLE nothing (
  x INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/empty.json',
  'format' = 'json'
);
SELECT COUNT(*) AS n, SUM(x) AS s FROM nothing;
