-- UNNEST of what COLLECT gives.
SELECT k, x FROM (SELECT k, COLLECT(v) AS c FROM (VALUES (1, 'a'), (1, 'a'), (2, 'b')) AS t (k, v) GROUP BY k) CROSS JOIN UNNEST(c) AS u (x);
