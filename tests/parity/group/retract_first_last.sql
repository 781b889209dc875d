-- FIRST_VALUE and LAST_VALUE over rows that are deleted, one row a group at a time.
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
SELECT k, FIRST_VALUE(v) AS fv, LAST_VALUE(v) AS lv, FIRST_VALUE(s) FILTER (WHERE s <> '') AS fs, LAST_VALUE(d) AS ld FROM latest GROUP BY k;
