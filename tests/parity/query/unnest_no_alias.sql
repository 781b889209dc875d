-- Names of the columns of UNNEST where none are given.
SELECT * FROM (VALUES (1, ARRAY['a'], MAP['k', 2])) AS t (id, a, m), UNNEST(a), UNNEST(m);
