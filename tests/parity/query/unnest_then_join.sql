-- UNNEST, then a join with a changing result.
CREATE TABLE nested (
  id INT,
  tags ARRAY<STRING>,
  items ARRAY<ROW<sku STRING, n INT>>
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/nested.json',
  'format' = 'json'
);
CREATE TABLE changes (
  n INT,
  k STRING,
  g STRING,
  v INT,
  d DECIMAL(10, 2),
  s STRING,
  gone BOOLEAN
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/changes.json',
  'format' = 'json'
);
CREATE VIEW latest AS
SELECT k, g, v, d, s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY n DESC) AS rn FROM changes)
WHERE rn = 1 AND NOT gone;
SELECT n.id, i.sku, i.n, l.c FROM nested n CROSS JOIN UNNEST(items) AS i (sku, n) LEFT JOIN (SELECT v, COUNT(*) AS c FROM latest GROUP BY v) l ON i.n = l.v;
