-- Maps and rows: construction, access, functions.
SELECT
  MAP['a', x, 'b', 2] AS m, MAP['a', x]['a'] AS got, MAP['a', x]['z'] AS missing, CARDINALITY(MAP['a', x, 'b', 2]) AS card, MAP_KEYS(MAP['k', x]) AS keys_, MAP_VALUES(MAP['k', x]) AS values_, MAP_ENTRIES(MAP['k', x]) AS entries_,
  MAP_FROM_ARRAYS(ARRAY['p', 'q'], ARRAY[x, 1]) AS from_arrays, ROW(x, s) AS r, (x, s) AS r2, ROW(x, ROW(s, TRUE)) AS nested, ARRAY[ROW(1, s)] AS rows_, ELEMENT(ARRAY[x]) AS element_
FROM (VALUES (1, 'a'), (CAST(NULL AS INT), CAST(NULL AS STRING))) AS v(x, s);
