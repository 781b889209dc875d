-- Numbers of different types, compared.
SELECT a = b AS eq, a < c AS lt, b > d AS gt, a IN (1.0, 2.5) AS inside, a BETWEEN b AND d AS between_ FROM (VALUES (1, CAST(1.0 AS DOUBLE), 1.5, CAST(2 AS BIGINT)), (9007199254740993, 9007199254740992.0E0, 9007199254740992.5, 1)) AS t (a, b, c, d);
