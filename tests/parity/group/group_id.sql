-- GROUP_ID() tells equal grouping sets apart, beside GROUPING.
SELECT GROUP_ID() AS g, GROUPING(k) AS gk, k, COUNT(*) AS n FROM (VALUES ('a'), ('b'), ('a')) AS t(k) GROUP BY GROUPING SETS ((k), (k), ());
