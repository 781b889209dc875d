-- TO_DATE and CONVERT_TZ.
SELECT
  s, TO_DATE(s) AS plain, CONVERT_TZ(s, 'UTC', 'America/Los_Angeles') AS la, CONVERT_TZ(s, 'GMT+02:00', 'Asia/Tokyo') AS tokyo
FROM (VALUES ('2024-01-02'), ('02.01.2024'), ('1970-01-01 00:00:00'), ('2024-07-01 12:00:00'), ('2024-1-2'), ('bad'), (CAST(NULL AS STRING))) AS v(s);
