-- CAST between numeric types: integers wrap, floating point saturates, decimals round half up and overflow to NULL.
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
  CAST(bi AS TINYINT) AS bi_ti,
  CAST(i AS SMALLINT) AS i_si,
  CAST(bi AS INT) AS bi_i,
  CAST(i AS BIGINT) AS i_bi,
  CAST(d AS INT) AS d_i,
  CAST(d AS BIGINT) AS d_bi,
  CAST(d AS TINYINT) AS d_ti,
  CAST(f AS SMALLINT) AS f_si,
  CAST(d AS FLOAT) AS d_f,
  CAST(f AS DOUBLE) AS f_d,
  CAST(si AS FLOAT) AS i_f,
  CAST(bi AS DOUBLE) AS bi_d,
  CAST(`dec` AS INT) AS dec_i,
  CAST(`dec` AS TINYINT) AS dec_ti,
  CAST(`dec` AS DOUBLE) AS dec_d,
  CAST(`dec` AS DECIMAL(10, 1)) AS dec_less,
  CAST(`dec` AS DECIMAL(4, 2)) AS dec_small,
  CAST(i AS DECIMAL(6, 1)) AS i_dec,
  CAST(d AS DECIMAL(20, 4)) AS d_dec,
  CAST(wide AS BIGINT) AS wide_bi,
  CAST(i > 0 AS INT) AS b_i,
  CAST(i AS BOOLEAN) AS i_b
FROM numbers;
