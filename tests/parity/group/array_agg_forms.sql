-- ARRAY_AGG with NULL, with a filter, and of values that are taken back.
SELECT COUNT(*) AS n, ARRAY_AGG(v) AS a, ARRAY_AGG(v) FILTER (WHERE k > 1) AS f FROM (VALUES (1, 'x'), (2, 'y'), (2, CAST(NULL AS STRING)), (3, 'x')) AS t (k, v);
