-- COLLECT gives a multiset.
SELECT k, COLLECT(v) AS c FROM (VALUES (1, 'a'), (1, 'a'), (2, 'b'), (2, CAST(NULL AS STRING))) AS t (k, v) GROUP BY k;
