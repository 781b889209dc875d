-- TRY_CAST of text to every type: what cannot be parsed is NULL.
SELECT
  s, TRY_CAST(s AS TINYINT) AS ti, TRY_CAST(s AS INT) AS i, TRY_CAST(s AS BIGINT) AS bi, TRY_CAST(s AS FLOAT) AS f, TRY_CAST(s AS DOUBLE) AS d, TRY_CAST(s AS DECIMAL(6, 2)) AS `dec`,
  TRY_CAST(s AS DATE) AS dt, TRY_CAST(s AS TIME) AS t, TRY_CAST(s AS TIMESTAMP(3)) AS ts, TRY_CAST(s AS CHAR(3)) AS c, TRY_CAST(s AS BYTES) AS bytes_
FROM (VALUES ('12'), (' 12 '), ('-12.7'), ('+5'), ('1e2'), ('300'), ('3000000000'), ('99999999999999999999'), ('1234.567'), ('12345.6'), ('.5'), ('5.'), ('NaN'), ('Infinity'), ('0x10'), ('1_000'),
  ('true'), ('1'), ('0'), ('2024-01-02'), ('2024-1-2'), ('2024-13-01'), ('10:11:12'), ('10:11'), ('10:11:12.345'), ('2024-01-02 03:04:05'), ('2024-01-02 03:04:05.6789'), ('2024-01-02T03:04:05'), ('2024'), ('2024-02'), ('abc'), (''), ('  '), (CAST(NULL AS STRING))) AS v(s);
