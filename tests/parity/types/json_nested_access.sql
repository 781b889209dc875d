-- Access to nested fields, array elements and map entries, also through NULL.
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
SELECT
  id,
  `user`.name AS name_,
  `user`.address.city AS city,
  nested.`user`.address.zip AS zip,
  `user`.age + 1 AS age,
  tags[1] AS tag1,
  tags[9] AS tag9,
  scores['math'] AS math,
  scores['none'] AS absent,
  items[1].sku AS sku1,
  items[2].n AS n2,
  matrix[1][2] AS cell,
  CARDINALITY(tags) AS ntags,
  `user` IS NULL AS no_user,
  `user`.address IS NULL AS no_address
FROM nested;
