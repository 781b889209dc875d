-- Both forms of CASE: the first match, a missing ELSE, an unknown condition, and the common type of the branches.
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
  CASE WHEN i > 1000 THEN 'big' WHEN i > 0 THEN 'positive' WHEN i = 0 THEN 'zero' END AS searched,
  CASE id WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE 'many' END AS simple,
  CASE WHEN i > 0 THEN 1 ELSE 2 END AS unknown_,
  CASE i WHEN NULL THEN 'null' ELSE 'never null' END AS null_key,
  CASE WHEN id = 1 THEN ti WHEN id = 2 THEN bi ELSE i END AS widened,
  CASE WHEN id < 3 THEN `dec` ELSE id END AS decimal_and_int,
  CASE WHEN id < 3 THEN d ELSE id END AS double_and_int,
  CASE WHEN id = 1 THEN 'a' ELSE 'abc' END AS text_lengths,
  CASE WHEN ti > 0 THEN CASE WHEN si > 0 THEN 'both' ELSE 'first' END ELSE 'none' END AS nested,
  CASE WHEN i = 0 THEN -1 ELSE 100 / i END AS guarded,
  CASE WHEN id = 1 THEN NULL ELSE id END AS null_branch
FROM numbers;
