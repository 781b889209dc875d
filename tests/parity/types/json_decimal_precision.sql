-- A decimal is rounded to the scale of the column; one that does not fit is NULL.
CREATE TABLE numbers (
  id INT,
  wide DECIMAL(20, 3),
  `dec` DECIMAL(6, 1)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/numbers.json',
  'format' = 'json'
);
SELECT * FROM numbers;
