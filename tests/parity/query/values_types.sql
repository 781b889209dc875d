-- The common type of the rows of VALUES.
SELECT a, b, c, d FROM (VALUES (1, 1, 'a', DATE '2024-01-01'), (2.5, 3000000000, 'abc', CAST(NULL AS DATE)), (CAST(3 AS DECIMAL(10, 4)), 4, '', DATE '2024-12-31')) AS t (a, b, c, d);
