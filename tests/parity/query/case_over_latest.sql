-- Expressions over rows that are replaced: changes that change nothing leave no trace.
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
SELECT CASE WHEN v > 6 THEN 'big' WHEN v IS NULL THEN 'none' ELSE 'small' END AS size, COUNT(*) AS n, SUM(CASE WHEN g = 'x' THEN 1 ELSE 0 END) AS xs
FROM latest GROUP BY CASE WHEN v > 6 THEN 'big' WHEN v IS NULL THEN 'none' ELSE 'small' END;
