-- Numbers that are taken back leave the bitmap, unless others are equal.
SELECT BITMAP_BUILD_AGG(s) AS b, BITMAP_BUILD_CARDINALITY_AGG(s) AS n FROM (
  SELECT k, CAST(SUM(a) AS INT) AS s FROM (VALUES (1, 5), (2, 5), (1, 3), (2, 4), (3, 9), (2, -4)) AS t(k, a) GROUP BY k);
