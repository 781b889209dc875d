-- STDDEV and VAR over rows that are replaced and deleted.
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
SELECT g, ROUND(STDDEV_POP(x), 6) AS sp, ROUND(STDDEV_SAMP(x), 6) AS ss, ROUND(VAR_POP(x), 6) AS vp, ROUND(VAR_SAMP(x), 6) AS vs,
  ROUND(VAR_POP(DISTINCT x), 6) AS dvp, ROUND(STDDEV_POP(x) FILTER (WHERE x > 4), 6) AS fsp
FROM (SELECT g, CAST(v AS DOUBLE) AS x FROM latest) GROUP BY g;
