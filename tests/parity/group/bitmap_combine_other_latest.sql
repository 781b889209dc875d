-- Aggregates over the latest bitmap of each key, which replaces the one before.
SELECT BITMAP_OR_AGG(b) AS o, BITMAP_AND_AGG(b) AS a, BITMAP_XOR_AGG(b) AS x FROM (
  SELECT k, LAST_VALUE(BITMAP_BUILD(v)) AS b FROM (VALUES (1, ARRAY[1, 2]), (2, ARRAY[2, 3]), (1, ARRAY[4]), (2, ARRAY[4, 5])) AS t(k, v) GROUP BY k);
