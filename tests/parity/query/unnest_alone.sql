-- UNNEST without a table before it.
SELECT x + 1 FROM UNNEST(ARRAY[1, 2, CAST(NULL AS INT)]) AS t (x);
