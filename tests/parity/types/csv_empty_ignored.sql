-- Empty fields when parse errors are ignored.
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
  'csv.ignore-parse-errors' = 'true'
);
SELECT * FROM empties;
