-- ORDER BY over VALUES.
-- in order
SET 'execution.runtime-mode' = 'batch';
SELECT * FROM (VALUES (3, 'c'), (1, 'a'), (2, CAST(NULL AS STRING))) AS v (n, s) ORDER BY n DESC;
