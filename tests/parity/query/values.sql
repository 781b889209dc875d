-- VALUES as a statement: names and types of its columns.
VALUES (1, 'a', 1.5, TRUE), (2, 'bcd', 22.75, CAST(NULL AS BOOLEAN));
