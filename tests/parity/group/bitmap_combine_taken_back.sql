-- Bitmaps that are taken back leave the union, the intersection and the rest.
SELECT BITMAP_OR_AGG(b) AS o, BITMAP_AND_AGG(b) AS a, BITMAP_XOR_AGG(b) AS x, BITMAP_OR_CARDINALITY_AGG(b) AS n_o, BITMAP_AND_CARDINALITY_AGG(b) AS n_a, BITMAP_XOR_CARDINALITY_AGG(b) AS n_x
FROM (SELECT k, BITMAP_BUILD_AGG(a) AS b FROM (VALUES (1, 5), (1, 3), (2, 3), (3, 3), (2, 9), (3, 1)) AS t(k, a) GROUP BY k);
