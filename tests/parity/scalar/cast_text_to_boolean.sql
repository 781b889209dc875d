-- Which texts are booleans.
SELECT s, TRY_CAST(s AS BOOLEAN) AS b FROM (VALUES ('true'), ('FALSE'), ('t'), ('F'), ('yes'), ('No'), ('y'), ('n'), ('1'), ('0'), ('2'), (' true'), ('on'), (''), (CAST(NULL AS STRING))) AS v(s);
