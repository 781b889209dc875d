-- UNION leaves duplicates out, NULL included.
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
SELECT i FROM numbers UNION SELECT CAST(si AS INT) FROM numbers UNION SELECT i FROM numbers WHERE id = 6;
