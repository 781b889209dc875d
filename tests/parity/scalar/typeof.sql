-- TYPEOF of literals and expressions.
CREATE TABLE numbers (
  id INT,
  ti TINYINT,
  si SMALLINT,
  i INT,
  bi BIGINT,
  f FLOAT,
  d DOUBLE,
  `dec` DECIMAL(10, 2),
  wide DECIMAL(38, 18)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/numbers.json',
  'format' = 'json'
);
SELECT
  TYPEOF(1) AS lit_int,
  TYPEOF(3000000000) AS lit_big,
  TYPEOF(1.50) AS lit_dec,
  TYPEOF(1e0) AS lit_double,
  TYPEOF('abc') AS lit_text,
  TYPEOF(X'CAFE') AS lit_bytes,
  TYPEOF(TRUE) AS lit_bool,
  TYPEOF(ti) AS col_ti,
  TYPEOF(`dec`) AS col_dec,
  TYPEOF(i + bi) AS sum_,
  TYPEOF(`dec` * wide) AS prod,
  TYPEOF(`dec` / i) AS quot,
  TYPEOF('a' || 'b') AS concat_,
  TYPEOF(UPPER('ab')) AS upper_,
  TYPEOF(CASE WHEN i > 0 THEN 'a' ELSE 'bcd' END) AS case_,
  TYPEOF(COALESCE(ti, 0)) AS coalesce_,
  TYPEOF(ROW(1, 'a')) AS row_,
  TYPEOF(ARRAY[1, 2.5]) AS array_,
  TYPEOF(MAP['a', 1]) AS map_,
  TYPEOF(INTERVAL '1' DAY) AS interval_,
  TYPEOF(TIMESTAMP '2024-01-01 00:00:00.12') AS ts_
FROM numbers
WHERE id = 1;
