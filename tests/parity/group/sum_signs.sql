-- SUM and AVG whose intermediate value wraps and comes back.
SELECT k, SUM(v) AS s, AVG(v) AS a, COUNT(v) AS c FROM (VALUES (1, 2147483647), (1, 1), (1, -5), (2, -1), (2, -2), (3, CAST(NULL AS INT))) AS t (k, v) GROUP BY k;
