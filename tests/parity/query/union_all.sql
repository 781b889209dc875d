-- UNION ALL takes the names of the first branch and the wider type of each column.
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
SELECT ti AS n, 'ti' AS src FROM numbers
UNION ALL
SELECT i, 'i' FROM numbers
UNION ALL
SELECT bi, 'bigint' FROM numbers;
