-- Floating point on columns: infinities, NaN, the smallest digits, and their text.
CREATE TABLE numbers (
  id INT,
  ti TINYINT,
  si SMALLINT,
  i INT,
  bi BIGINT,
  f FLOAT,
  d DOUBLE,
  `dec` DECIMAL(10, 2),
  wide DECIMAL(38, 18)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/numbers.json',
  'format' = 'json'
);
SELECT
  id,
  d / z AS by_zero,
  f / CAST(z AS FLOAT) AS f_by_zero,
  (d - d) / z AS zero_by_zero,
  -z AS minus_zero,
  d + 0.1e0 + 0.2e0 AS sum_text,
  d / 3 AS third_,
  CASE WHEN f < 1000 THEN f END / CAST(3 AS FLOAT) AS f_third,
  d * d AS squared,
  d * 1e300 AS over_,
  (d - d) / z = (d - d) / z AS nan_eq,
  1 / z > d AS inf_gt
FROM (SELECT *, d * 0 AS z FROM numbers);
