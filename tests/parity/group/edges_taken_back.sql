-- Sums that are taken back, under aggregates of every kind.
SELECT SUM(s) AS s, AVG(s) AS a, MIN(s) AS mi, MAX(s) AS ma, COUNT(DISTINCT s) AS cd, SUM(DISTINCT s) AS sd, VAR_POP(CAST(s AS DOUBLE)) AS v, COUNT(*) FILTER (WHERE s > 5) AS c, COLLECT(s) AS co
FROM (SELECT k, SUM(a) AS s FROM (VALUES (1, 5), (2, 5), (1, 3), (3, CAST(NULL AS INT)), (2, -5), (3, 4), (4, CAST(NULL AS INT))) AS t(k, a) GROUP BY k);
