-- Wildcards and a newline: % matches it in a plain prefix or suffix, _ does not.
SELECT s LIKE 'a%' AS prefix, s LIKE '%c' AS suffix, s LIKE 'a_c' AS single, s LIKE 'a%c' AS both_, s LIKE '%a%c%' AS general FROM (VALUES (U&'a\000Ac'), ('abc')) AS v(s);
