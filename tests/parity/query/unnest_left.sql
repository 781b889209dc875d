-- UNNEST that keeps rows without elements; a map; ordinality.
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
SELECT id, k, v, tag, pos FROM nested LEFT JOIN UNNEST(scores) AS m (k, v) ON TRUE LEFT JOIN UNNEST(tags) WITH ORDINALITY AS t (tag, pos) ON TRUE;
