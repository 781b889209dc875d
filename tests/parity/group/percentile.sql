-- PERCENTILE.
SELECT k, PERCENTILE(v, 0.5) AS median, PERCENTILE(v, ARRAY[0.0, 0.25, 1.0]) AS several FROM (VALUES ('a', 1), ('a', 2), ('a', 10), ('b', 7), ('b', CAST(NULL AS INT))) AS t (k, v) GROUP BY k;
