-- UNNEST of a map, of a literal array, and of a computed one.
CREATE TABLE nested (
  id INT,
  `user` ROW<name STRING, address ROW<city STRING, zip STRING>, age INT>,
  tags ARRAY<STRING>,
  scores MAP<STRING, INT>,
  items ARRAY<ROW<sku STRING, n INT>>,
  matrix ARRAY<ARRAY<INT>>
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/nested.json',
  'format' = 'json'
);
SELECT id, k, v, n, w FROM nested CROSS JOIN UNNEST(scores) AS m (k, v) CROSS JOIN UNNEST(ARRAY[1, 2]) AS l (n) CROSS JOIN UNNEST(SPLIT('a b', ' ')) AS s (w);
