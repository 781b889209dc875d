-- One common table expression of a changing result, used twice.
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
WITH sums AS (SELECT g, SUM(v) AS v, COUNT(*) AS n FROM latest GROUP BY g)
SELECT a.g, a.v, b.g AS other, b.v AS w FROM sums a JOIN sums b ON a.v < b.v OR (a.v = b.v AND a.n < b.n);
