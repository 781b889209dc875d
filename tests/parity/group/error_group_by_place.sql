-- A number in GROUP BY is not a place in SELECT.
SELECT k, COUNT(*) AS n FROM (VALUES (1), (1), (2)) AS t (k) GROUP BY 1;
