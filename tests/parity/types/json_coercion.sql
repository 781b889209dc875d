-- JSON values of another kind than the column: numbers in text, text from numbers and objects.
CREATE TABLE coerced (
  i INT,
  d DOUBLE,
  s STRING,
  b BOOLEAN,
  `dec` DECIMAL(10, 2)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/coerced.json',
  'format' = 'json'
);
SELECT * FROM coerced;
