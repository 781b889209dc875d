-- CAST of every type to text.
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
CREATE TABLE times (
  id INT,
  ts TIMESTAMP(3),
  ts9 TIMESTAMP(9),
  d DATE,
  t TIME(0),
  ltz TIMESTAMP_LTZ(3),
  epoch BIGINT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json'
);
SELECT
  id,
  CAST(ti AS STRING) AS ti_,
  CAST(bi AS STRING) AS bi_,
  CAST(f AS STRING) AS f_,
  CAST(d AS STRING) AS d_,
  CAST(`dec` AS STRING) AS dec_,
  CAST(wide AS STRING) AS wide_,
  CAST(i > 0 AS STRING) AS b_,
  CAST(i AS VARCHAR(3)) AS short_,
  CAST(ti AS CHAR(5)) AS char_,
  CAST(CASE WHEN f < 1000 THEN f END * CAST(1000000 AS FLOAT) AS STRING) AS f_exp,
  CAST(d * 1e7 AS STRING) AS d_exp,
  CAST(d / 1e4 AS STRING) AS d_small,
  CAST(ARRAY[i, NULL, 3] AS STRING) AS array_,
  CAST(MAP['k', d] AS STRING) AS map_,
  CAST(ROW(i, 'x', `dec`) AS STRING) AS row_,
  CAST(X'48656C6C6F' AS STRING) AS bytes_,
  CAST(INTERVAL '1' DAY AS STRING) AS interval_
FROM numbers;
