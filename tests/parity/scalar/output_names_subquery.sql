-- Unnamed columns of a sub-query, seen from outside.
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
SELECT *, EXPR$1 + 1 FROM (SELECT id, i + 1, id AS id2, ABS(i) FROM numbers WHERE id < 3);
