-- GROUP_ID() without grouping sets is 0.
SELECT k, GROUP_ID() AS g, COUNT(*) AS n FROM (VALUES ('a'), ('b'), ('a')) AS t(k) GROUP BY k;
