-- Columns of a CSV file are found by position, so a projection must not shift them.
CREATE TABLE plain (
  id INT,
  s STRING,
  n DECIMAL(10, 2),
  b BOOLEAN,
  d DATE,
  ts TIMESTAMP(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/plain.csv',
  'format' = 'csv'
);
SELECT ts, id FROM plain WHERE b;
