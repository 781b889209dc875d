-- A VARIANT as key, in COUNT(DISTINCT), FIRST_VALUE, LAST_VALUE and ARRAY_AGG.
SELECT v, COUNT(*) AS n, COUNT(DISTINCT v) AS d, FIRST_VALUE(v) AS f, LAST_VALUE(v) AS l, ARRAY_AGG(v) AS a
FROM (SELECT TRY_PARSE_JSON(j) AS v FROM (VALUES ('1'), ('{"a": 1}'), ('1'), ('1.0'), ('bad'), ('{"a":1}'), ('"x"')) AS t(j)) GROUP BY v;
