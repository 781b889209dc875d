-- PERCENTILE over rows that change, of decimals, with FILTER.
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
SELECT g, PERCENTILE(v, 0.25) AS a, PERCENTILE(d, 0.9) AS b, PERCENTILE(v, ARRAY[0.5, 1.0]) FILTER (WHERE v > 100) AS c FROM latest GROUP BY g;
