-- Precision and scale of decimal arithmetic; a result that does not fit its type is NULL.
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
  `dec` + `dec` AS plus_,
  `dec` - 0.005 AS minus_,
  `dec` * `dec` AS times_,
  `dec` * 3 AS times_int,
  `dec` / 3 AS div_,
  `dec` / 0.30 AS div_dec,
  `dec` % 7 AS rem_,
  -`dec` AS neg_,
  wide + wide AS wide_plus,
  wide * wide AS wide_times,
  wide * `dec` AS wide_times_dec,
  wide / 3 AS wide_div,
  wide / 7.77 AS wide_div_dec,
  wide - i AS wide_minus_int
FROM numbers;
