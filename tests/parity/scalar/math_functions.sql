-- Elementary functions; results rounded where the last digit may differ between mathematical libraries.
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
  ABS(i) AS abs_i,
  ABS(d) AS abs_d,
  ABS(`dec`) AS abs_dec,
  SIGN(i) AS sign_i,
  SIGN(d) AS sign_d,
  SIGN(`dec`) AS sign_dec,
  POWER(i, 2) AS power2_,
  ROUND(POWER(ABS(si), 0.5), 10) AS power_half,
  SQRT(d) AS sqrt_,
  ROUND(LN(ABS(si) + 1), 10) AS ln_,
  LN(0) AS ln0_,
  ROUND(LOG10(ABS(si) + 1), 10) AS log10_,
  ROUND(LOG2(ABS(si) + 1), 10) AS log2,
  ROUND(LOG(ABS(d) + 1), 10) AS log1,
  ROUND(LOG(3, ABS(si) + 2), 10) AS log_base,
  ROUND(EXP(ti / 16.0), 6) AS exp_,
  LN(ti) AS ln_negative,
  LOG2(i - i - 1) AS log2_negative,
  E() AS e_,
  PI() AS pi_
FROM numbers
WHERE id <> 4;
