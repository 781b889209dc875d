-- UNNEST of an array that an aggregate made: its elements are taken back one by one.
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
SELECT x, COUNT(*) AS n FROM (SELECT g, ARRAY_AGG(v) AS vs FROM latest GROUP BY g) CROSS JOIN UNNEST(vs) AS t (x) GROUP BY x;
