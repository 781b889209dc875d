-- A common type of branches.
SELECT CASE WHEN a > 1 THEN a ELSE b END AS x, COALESCE(c, a) AS y, CASE a WHEN 1 THEN 'one' ELSE 'other' END AS z, GREATEST(a, b) AS g FROM (VALUES (1, 2.50, CAST(NULL AS BIGINT)), (3, 0.125, 7)) AS t (a, b, c);
