-- Common types across UNION ALL: numbers, text lengths, nullability.
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
SELECT id AS a, CAST('x' AS CHAR(2)) AS b, `dec` AS c, 1 AS d, f AS e FROM numbers WHERE id < 3
UNION ALL
SELECT bi, s, i, CAST(NULL AS INT), d FROM (SELECT bi, 'longer' AS s, i, d FROM numbers WHERE id < 3);
