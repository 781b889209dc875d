-- An aggregate over an aggregate over rows that are replaced and deleted.
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
SELECT n, COUNT(*) AS grs, SUM(hi) AS hi, MIN(lo) AS lo FROM (SELECT g, COUNT(*) AS n, MAX(v) AS hi, MIN(d) AS lo FROM latest GROUP BY g) GROUP BY n;
