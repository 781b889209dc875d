-- TRY_CAST between numbers, and the type it gives.
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
  id,
  TRY_CAST(bi AS INT) AS bi_i,
  TRY_CAST(d AS INT) AS d_i,
  TRY_CAST(d AS DECIMAL(5, 2)) AS d_dec,
  TRY_CAST(i AS DECIMAL(3, 0)) AS i_dec,
  TRY_CAST(i AS STRING) AS i_text,
  TRY_CAST('7' AS INT) AS lit,
  TYPEOF(TRY_CAST(1 AS BIGINT)) AS type_
FROM numbers;
