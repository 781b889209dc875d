-- SUM of integers and decimals, with DISTINCT and FILTER, over rows that are replaced and deleted.
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
SELECT g, SUM(v) AS v, SUM(DISTINCT v) AS dv, SUM(v) FILTER (WHERE s <> 'q') AS f, SUM(d) AS d, SUM(DISTINCT d) FILTER (WHERE d > 1) AS fd,
  SUM(CAST(v AS DOUBLE)) AS f8
FROM latest GROUP BY g;
