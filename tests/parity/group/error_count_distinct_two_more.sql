-- COUNT(DISTINCT a, b) with other aggregates, and over rows that are taken back.
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
SELECT g, COUNT(DISTINCT v, s) AS a, COUNT(DISTINCT v) AS b, COUNT(v, s) AS c, SUM(v) AS d FROM latest GROUP BY g;
