-- PERCENTILE over NULLs only, one value, at both ends.
SELECT k, PERCENTILE(x, 0.0) AS a, PERCENTILE(x, 0.5) AS b, PERCENTILE(x, 1.0) AS c FROM (VALUES (1, CAST(NULL AS INT)), (2, 7), (3, 1), (3, 4), (3, CAST(NULL AS INT)), (3, -10)) AS t(k, x) GROUP BY k;
