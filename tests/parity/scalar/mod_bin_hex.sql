-- MOD with every sign, BIN, HEX and UNHEX.
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
  MOD(i, 5) AS mod_pos,
  MOD(i, -5) AS mod_neg,
  MOD(bi, 7) AS mod_bi,
  MOD(`dec`, 3) AS mod_dec,
  MOD(`dec`, 0.7) AS mod_dec2,
  BIN(i) AS bin_i,
  BIN(bi) AS bin_bi,
  HEX(i) AS hex_i,
  HEX(bi) AS hex_bi,
  HEX('Az ß') AS hex_s,
  DECODE(UNHEX('466C696E6B'), 'UTF-8') AS unhex,
  UNHEX('F') AS unhex_odd,
  UNHEX('xyz') AS unhex_bad
FROM numbers;
