-- IS_ALPHA, IS_DECIMAL and IS_DIGIT.
SELECT s, IS_ALPHA(s) AS alpha, IS_DECIMAL(s) AS decimal_, IS_DIGIT(s) AS digit
FROM (VALUES ('abc'), ('aß'), ('a1'), ('12'), ('-12.5'), ('1e5'), ('1.'), ('.5'), ('+3'), (''), (' 1'), ('日本'), ('٣'), (CAST(NULL AS STRING))) AS v(s);
