-- Integer arithmetic on columns: each width wraps silently, division truncates toward zero, % takes the sign of the dividend.
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
  ti + ti AS ti_plus,
  si - CAST(1 AS SMALLINT) AS si_minus,
  i * 2 AS i_times,
  bi + 1 AS bi_plus,
  ti + 1 AS ti_plus_int,
  -i AS neg_,
  -ti AS neg_ti,
  +i AS plus_sign,
  i / 7 AS div_,
  i / -7 AS div_neg,
  i % 7 AS rem_,
  bi % 10 AS rem_bi,
  bi % ti_safe AS rem_mixed
FROM (SELECT *, CASE WHEN ti = 0 THEN CAST(3 AS TINYINT) ELSE ti END AS ti_safe FROM numbers);
