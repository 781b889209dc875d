-- The result type of arithmetic between different numeric types.
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
  ti + si AS ti_si,
  si * i AS si_i,
  i + bi AS i_bi,
  si + f AS i_f,
  i * d AS i_d,
  f + d AS f_d,
  f * f AS f_f,
  d - 1 AS d_d,
  i + `dec` AS i_dec,
  bi * `dec` AS bi_dec,
  `dec` * f AS dec_f,
  `dec` + d AS dec_d,
  i * 0.5 AS i_lit,
  d * 0.1 AS d_lit,
  i + 1e0 AS e_lit,
  i + 3000000000 AS big_lit
FROM numbers;
