-- VALUES in FROM with names.
SELECT y, x * 2 AS x2 FROM (VALUES (1, 'one'), (2, 'two'), (CAST(NULL AS INT), 'none')) AS t (x, y);
