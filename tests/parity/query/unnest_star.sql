-- A star over UNNEST.
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
SELECT * FROM (SELECT id, tags FROM nested) AS t CROSS JOIN UNNEST(tags) WITH ORDINALITY AS u (tag, pos);
