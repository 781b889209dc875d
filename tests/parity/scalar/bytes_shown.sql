-- Bytes by themselves and in collections.
SELECT x'00ff' AS b, ARRAY[x'01', x'a0'] AS a, MAP['k', x'7f'] AS m, ROW(x'20', 1) AS r, CAST(x'6162' AS STRING) AS s;
