-- Array construction, access and functions.
SELECT
  a, CARDINALITY(a) AS card, a[1] AS first_, a[3] AS third, ARRAY_CONTAINS(a, 2) AS has2, ARRAY_DISTINCT(a) AS distinct_, ARRAY_POSITION(a, 2) AS pos2, ARRAY_REMOVE(a, 2) AS without2, ARRAY_REVERSE(a) AS reversed,
  ARRAY_APPEND(a, 9) AS appended, ARRAY_PREPEND(a, 0) AS prepended, ARRAY_SORT(a) AS sorted, ARRAY_SORT(a, FALSE) AS sorted_desc, ARRAY_MAX(a) AS max_, ARRAY_MIN(a) AS min_, ARRAY_SLICE(a, 2) AS slice2, ARRAY_SLICE(a, -2, -1) AS slice_end,
  ARRAY_UNION(a, ARRAY[2, 7]) AS union_, ARRAY_CONCAT(a, ARRAY[7]) AS concat_, ARRAY_EXCEPT(a, ARRAY[2]) AS except_, ARRAY_INTERSECT(a, ARRAY[2, 3]) AS intersect_, ARRAY_JOIN(ARRAY['x', NULL, 'y'], '-', '?') AS joined
FROM (VALUES (ARRAY[3, 2, 2, 1]), (ARRAY[5]), (ARRAY[1, CAST(NULL AS INT), 2])) AS v(a);
