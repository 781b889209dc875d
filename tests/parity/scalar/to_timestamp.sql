-- TO_TIMESTAMP with and without a pattern; what cannot be parsed is NULL.
SELECT
  s, TO_TIMESTAMP(s) AS plain, TO_TIMESTAMP(s, 'yyyy-MM-dd HH:mm:ss.SSS') AS millis, TO_TIMESTAMP(s, 'yyyy-MM-dd''T''HH:mm:ss') AS iso, TO_TIMESTAMP(s, 'dd/MM/yyyy') AS day_, TO_TIMESTAMP(s, 'yyyyMMddHHmmss') AS compact
FROM (VALUES ('2024-01-02 03:04:05'), ('2024-01-02 03:04:05.678'), ('2024-01-02 03:04:05.6'), ('2024-01-02'), ('2024-1-2 3:4:5'), ('2024-01-02T03:04:05'), ('02/01/2024'), ('20240102030405'),
  ('2024-02-30 00:00:00'), ('2024-01-02 24:00:00'), (' 2024-01-02 03:04:05 '), ('2024-01-02 03:04'), ('bad'), (''), (CAST(NULL AS STRING))) AS v(s);
