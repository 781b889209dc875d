-- COALESCE, NULLIF, IF, IFNULL, GREATEST and LEAST.
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
  COALESCE(i, -1) AS coalesce2,
  COALESCE(ti, si, CAST(99 AS BIGINT)) AS coalesce3,
  COALESCE(CAST(NULL AS STRING), CAST(i AS STRING), 'none') AS coalesce_text,
  NULLIF(i, 100) AS nullif_i,
  NULLIF(i, CAST(0 AS BIGINT)) AS nullif_types,
  IF(i > 0, 'yes', 'no') AS if_i,
  IF(id > 3, i, bi) AS if_types,
  IFNULL(i, 7) AS ifnull_i,
  IFNULL(`dec`, 0) AS ifnull_dec,
  GREATEST(ti, si, i) AS greatest,
  LEAST(ti, si, i) AS least,
  GREATEST('b', 'a', 'B') AS greatest_text,
  LEAST(i, 2.5) AS least_mixed,
  GREATEST(1, i) AS greatest_null
FROM numbers;
