-- TO_DATE with a pattern that fits.
SELECT TO_DATE(s, 'dd.MM.yyyy') AS d, TO_DATE(t, 'yyyyMMdd') AS e FROM (VALUES ('02.01.2024', '20240229'), ('31.12.1999', '19991231'), (CAST(NULL AS STRING), CAST(NULL AS STRING))) AS v(s, t);
