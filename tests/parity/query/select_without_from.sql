-- A SELECT without FROM gives one row.
SELECT 1 AS x1, 'x' || 'y' AS xy, CAST(NULL AS STRING) AS n;
