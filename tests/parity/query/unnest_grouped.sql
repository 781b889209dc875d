-- UNNEST, a filter on its elements, and a count of them.
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
SELECT tag, COUNT(*) AS n FROM nested CROSS JOIN UNNEST(tags) AS t (tag) WHERE tag <> 'b' OR tag IS NULL GROUP BY tag;
