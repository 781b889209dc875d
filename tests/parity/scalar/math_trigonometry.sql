-- Trigonometric functions, rounded to ten digits.
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
  ROUND(SIN(f), 10) AS sin,
  ROUND(COS(f), 10) AS cos,
  ROUND(TAN(f), 10) AS tan,
  ROUND(COT(f + CAST(1 AS FLOAT)), 10) AS cot,
  ROUND(ASIN(x), 10) AS asin,
  ROUND(ACOS(x), 10) AS acos,
  ROUND(ATAN(f), 10) AS atan,
  ROUND(ATAN2(f, x), 10) AS atan2,
  ROUND(SINH(x), 10) AS sinh,
  ROUND(COSH(x), 10) AS cosh,
  ROUND(TANH(x), 10) AS tanh,
  ROUND(DEGREES(x), 8) AS degrees,
  ROUND(RADIANS(x), 12) AS radians
FROM (SELECT *, ti / 256e0 AS x FROM numbers WHERE id NOT IN (3));
