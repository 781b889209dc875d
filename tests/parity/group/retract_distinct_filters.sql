-- The same DISTINCT column under several filters, over rows that are replaced and deleted.
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
SELECT g, COUNT(DISTINCT v) AS a, COUNT(DISTINCT v) FILTER (WHERE s = 'q') AS b, SUM(DISTINCT v) FILTER (WHERE s <> 'q') AS c, COUNT(DISTINCT v) FILTER (WHERE d IS NULL) AS e
FROM latest GROUP BY g;
