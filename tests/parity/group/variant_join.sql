-- A join on VARIANT, and DISTINCT over them.
SELECT DISTINCT a.v AS v, b.n AS n FROM (SELECT PARSE_JSON(j) AS v FROM (VALUES ('1'), ('{"a":1}'), ('1'), ('[2]')) AS t(j)) AS a
JOIN (SELECT PARSE_JSON(j) AS v, n FROM (VALUES ('1', 10), ('{"a":1}', 20), ('2', 30)) AS t(j, n)) AS b ON a.v = b.v;
