-- A decimal that overflows is NULL, also between steps where its type says NOT NULL.
SELECT NULLIF(a, 1) AS a, n FROM (SELECT d * d AS a, COUNT(*) AS n FROM (VALUES (CAST('99999999999999999999' AS DECIMAL(38, 0))), (CAST('2' AS DECIMAL(38, 0)))) AS t (d) GROUP BY d * d);
