-- SIMILAR TO and NOT SIMILAR TO.
SELECT
  s, s SIMILAR TO 'a(b|x)c' AS alternation, s SIMILAR TO 'a%' AS prefix, s SIMILAR TO '[a-c]+' AS class_, s SIMILAR TO '_{3}' AS three, s NOT SIMILAR TO 'a%' AS not_prefix,
  s SIMILAR TO 'ab?c' AS optional_, s SIMILAR TO '(ab)*c*' AS star, s SIMILAR TO '[^a]%' AS negated, s SIMILAR TO 'a!%c' ESCAPE '!' AS escaped_
FROM (VALUES ('abc'), ('axc'), ('ac'), ('a%c'), ('ababcc'), ('xyz'), (''), (CAST(NULL AS STRING))) AS v(s);
