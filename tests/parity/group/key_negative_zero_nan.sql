-- Floating keys: 0.0, -0.0 and NaN.
SELECT x, COUNT(*) AS n FROM (SELECT CASE k WHEN 0 THEN 0e0 WHEN 1 THEN -0e0 WHEN 2 THEN SQRT(-1e0) WHEN 3 THEN -SQRT(-1e0) ELSE 1e0 END AS x FROM (VALUES (0), (1), (2), (3), (2), (4)) AS t (k)) GROUP BY x;
