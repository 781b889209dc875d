-- ROUND, TRUNCATE, FLOOR and CEIL for integers, decimals and floating point: halves go away from zero.
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
  ROUND(`dec`) AS round_dec,
  ROUND(`dec`, 1) AS round_dec1,
  ROUND(d) AS round_d,
  ROUND(d, 1) AS round_d1,
  ROUND(i, -2) AS round_i_neg,
  ROUND(wide, 4) AS round_wide,
  TRUNCATE(`dec`, 1) AS trunc_dec,
  TRUNCATE(CASE WHEN d < 1e9 THEN d ELSE 1.999e0 END, 2) AS trunc_d,
  TRUNCATE(CASE WHEN d < 1e9 THEN d ELSE 1.999e0 END) AS trunc_none,
  FLOOR(`dec`) AS floor_dec,
  CEIL(`dec`) AS ceil_dec,
  FLOOR(d) AS floor_d,
  CEILING(d) AS ceiling_d,
  FLOOR(f) AS floor_f,
  FLOOR(i) AS floor_i,
  CEIL(wide) AS ceil_wide,
  ROUND(2.5) AS half,
  ROUND(-2.5) AS half_neg,
  ROUND(2.5e0) AS half_double
FROM numbers;
