-- Days and hours that do not exist, and text that fits the default form but not the pattern.
SELECT s, TO_TIMESTAMP(s) AS plain, TO_TIMESTAMP(s, 'yyyyMMdd') AS pattern_ FROM (VALUES ('2024-02-30 00:00:00'), ('2024-01-02 24:00:00'), (' 2024-01-02 03:04:05 '), ('2024-01-02 03:04:05')) AS v(s);
