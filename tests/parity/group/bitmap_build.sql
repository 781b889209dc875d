-- BITMAP_BUILD_AGG and its cardinality by key, with NULLs, negative numbers and keys of NULLs only.
SELECT k, BITMAP_BUILD_AGG(a) AS b, BITMAP_BUILD_CARDINALITY_AGG(a) AS n, BITMAP_TO_BYTES(BITMAP_BUILD_AGG(a)) AS raw_form
FROM (VALUES (1, 5), (1, 3), (1, CAST(NULL AS INT)), (2, CAST(NULL AS INT)), (1, 5), (1, -1), (3, 70000), (3, 70001), (3, 70002), (3, 70003), (3, 70004)) AS t(k, a) GROUP BY k;
