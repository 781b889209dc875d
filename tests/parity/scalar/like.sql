-- LIKE and NOT LIKE: wildcards, escapes, newlines, patterns from a column.
SELECT
  s, s LIKE 'a%' AS prefix, s LIKE '%c' AS suffix, s LIKE '%b%' AS middle, s LIKE 'a_c' AS one_, s LIKE '_%_' AS two_or_more,
  s NOT LIKE 'a%' AS not_prefix, s LIKE 'a!_c' ESCAPE '!' AS escaped_, s LIKE '%!%%' ESCAPE '!' AS percent_, s LIKE '' AS empty_,
  s LIKE p AS by_column, s LIKE '%' AS any_, s LIKE 'ABC' AS upper_, s LIKE 'a%c%e' AS spread_, s LIKE 'a\_c' AS backslash, s LIKE 'a\_c' ESCAPE '\' AS backslash_escape, s LIKE 'a.c' AS dot_
FROM (VALUES ('abc', 'a%'), ('a_c', '%'), ('a%c', '_'), ('', ''), ('ABC', 'abc'), ('abcde', 'a%e'), ('日本', '日_'), ('a\_c', 'a\\%'),
  (CAST(NULL AS STRING), 'a'), ('a.c', CAST(NULL AS STRING))) AS v(s, p);
