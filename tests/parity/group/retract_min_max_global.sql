-- MIN and MAX of everything over rows that are replaced and deleted.
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
SELECT MIN(v) AS lo, MAX(v) AS hi, MIN(d) AS d_lo, MAX(d) AS d_hi, MIN(s) AS s_lo, MAX(s) AS s_hi FROM latest;
