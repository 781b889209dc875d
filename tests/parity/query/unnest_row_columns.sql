-- UNNEST of an array of rows under the names of the rows.
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
SELECT id, u.sku, u.n FROM nested AS t LEFT JOIN UNNEST(t.items) AS u ON TRUE;
