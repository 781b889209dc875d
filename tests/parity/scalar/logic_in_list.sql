-- IN and NOT IN with NULL on either side.
SELECT
  x, x IN (1, 2) AS in_, x NOT IN (1, 2) AS not_in, x IN (1, CAST(NULL AS INT)) AS in_null, x NOT IN (1, CAST(NULL AS INT)) AS not_in_null,
  s IN ('a', 'b') AS s_in, s NOT IN ('a', '') AS s_not_in, x IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22) AS in_many
FROM (VALUES (1, 'a'), (2, 'c'), (22, ''), (CAST(NULL AS INT), CAST(NULL AS STRING))) AS v(x, s);
