-- MIN and MAX over rows that are replaced and deleted: the next best value comes back.
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
SELECT g, MIN(v) AS lo, MAX(v) AS hi, MIN(s) AS s_lo, MAX(s) AS s_hi, MAX(DISTINCT d) AS d_hi, MIN(v) FILTER (WHERE v > 3) AS f_lo, MAX(s) FILTER (WHERE s <> 'u') AS f_hi
FROM latest GROUP BY g;
