-- Views over views over views of rows that are replaced and deleted.
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
CREATE VIEW sums AS SELECT g, COUNT(*) AS n, SUM(v) AS v FROM latest GROUP BY g;
CREATE VIEW ranked AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY v DESC, g) AS rn FROM sums) WHERE rn <= 3;
CREATE VIEW with_names AS SELECT r.g, r.n, r.v, l.k FROM ranked r LEFT JOIN latest l ON r.g = l.g AND l.v > 6;
SELECT COUNT(*) AS n, COUNT(k) AS ks, SUM(v) AS v, MAX(k) AS k FROM with_names WHERE n > 1;
