-- A number in GROUP BY is a constant.
SELECT k, COUNT(*) AS n FROM (VALUES (1), (1), (2)) AS t (k) GROUP BY k, 2;
