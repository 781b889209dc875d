-- An invalid pattern in a column does not fail the job everywhere.
SELECT p, REGEXP_EXTRACT('abc', p, 0) AS extract_, REGEXP_REPLACE('abc', p, '-') AS replace_, REGEXP_COUNT('abcb', p) AS count_
FROM (VALUES ('b'), ('('), (''), (CAST(NULL AS STRING))) AS v(p);
