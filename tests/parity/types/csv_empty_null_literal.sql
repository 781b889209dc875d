-- Empty fields when the null literal is the empty text.
CREATE TABLE empties (
  id INT,
  s STRING,
  n DECIMAL(10, 2),
  b BOOLEAN,
  d DATE,
  ts TIMESTAMP(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/empties.csv',
  'format' = 'csv',
  'csv.null-literal' = ''
);
SELECT * FROM empties;
