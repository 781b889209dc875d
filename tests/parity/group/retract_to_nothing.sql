-- Rows that come and are all deleted again: groups vanish, and a global aggregate becomes that of nothing.
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
SELECT g, COUNT(*) AS n, SUM(v) AS v FROM latest WHERE v = 3 OR k = 'f' GROUP BY g
UNION ALL SELECT 'all', COUNT(*), SUM(v) FROM latest WHERE k IN ('f', 'g');
