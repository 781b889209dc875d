-- Comparison across numeric types, of text by code point, of booleans and times.
SELECT
  x < y AS lt_, x <= y AS le, x = y AS eq, x <> y AS ne, x > y AS gt, x >= y AS ge,
  x BETWEEN 1 AND y AS between_, y NOT BETWEEN x AND 3 AS not_between, x BETWEEN SYMMETRIC y AND 0 AS symmetric_,
  s < t AS s_lt, s = t AS s_eq, s >= t AS s_ge, b < c AS b_lt, b = c AS b_eq, d1 > d2 AS d_gt, d1 = CAST('2024-01-01' AS DATE) AS d_eq,
  x = CAST(y AS DOUBLE) AS int_double, y = CAST(x AS DECIMAL(10, 2)) AS decimal_int
FROM (VALUES
  (1, CAST(2 AS BIGINT), 'a', 'b', TRUE, FALSE, DATE '2024-01-01', DATE '2023-12-31'),
  (2, 2, 'b', 'B', FALSE, FALSE, DATE '2024-01-01', DATE '2024-01-01'),
  (-5, -6, 'abc', 'ab', TRUE, TRUE, DATE '1969-12-31', DATE '1970-01-01'),
  (CAST(NULL AS INT), 2, '', 'z', CAST(NULL AS BOOLEAN), TRUE, CAST(NULL AS DATE), DATE '2024-01-01'),
  (3, CAST(NULL AS BIGINT), 'é', 'z', TRUE, CAST(NULL AS BOOLEAN), DATE '2024-01-01', CAST(NULL AS DATE))
) AS v(x, y, s, t, b, c, d1, d2);
