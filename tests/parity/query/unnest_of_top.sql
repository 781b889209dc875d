-- UNNEST of the arrays of a Top-N: elements go with their row.
CREATE TABLE nested (
  id INT,
  tags ARRAY<STRING>,
  items ARRAY<ROW<sku STRING, n INT>>
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/nested.json',
  'format' = 'json'
);
SELECT id, tag FROM (SELECT id, tags FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY id DESC) AS rn FROM nested WHERE id < 5) WHERE rn <= 3) LEFT JOIN UNNEST(tags) AS t (tag) ON TRUE;
