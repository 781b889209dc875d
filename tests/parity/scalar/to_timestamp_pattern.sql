-- TO_TIMESTAMP with a pattern.
SELECT TO_TIMESTAMP(a, 'yyyy-MM-dd HH:mm:ss.SSS') AS millis, TO_TIMESTAMP(b, 'yyyy-MM-dd''T''HH:mm:ss') AS iso, TO_TIMESTAMP(c, 'dd/MM/yyyy') AS day_, TO_TIMESTAMP(d, 'yyyyMMddHHmmss') AS compact, TO_TIMESTAMP(e, 'yyyy-MM-dd hh:mm a') AS noon
FROM (VALUES ('2024-01-02 03:04:05.678', '2024-01-02T03:04:05', '02/01/2024', '20240102030405', '2024-01-02 01:30 PM'), ('x', '2024-01-02T', '31/12', '2024', '13:00'), (CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING))) AS v(a, b, c, d, e);
