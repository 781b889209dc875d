-- GROUPING SETS over rows that are replaced and deleted.
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
SELECT g, s, COUNT(*) AS n, SUM(v) AS v, GROUPING(g) AS gg, GROUPING(s) AS gs FROM latest GROUP BY GROUPING SETS ((g), (s), (g, s), ());
