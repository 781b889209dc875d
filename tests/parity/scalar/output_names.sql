-- Names of output columns: EXPR$n counts the distinct names before it, repeated names get a number.
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
SELECT id, i + 1, id, id AS id, ti AS `a b`, i AS `Select`, COUNT(*), UPPER('x'), numbers.i, CAST(i AS BIGINT), -i, 'lit', i AS I, i AS EXPR$1
FROM numbers
GROUP BY id, i, ti;
