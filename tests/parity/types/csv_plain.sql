-- CSV with default options: quotes, empty fields, blanks around values.
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
SELECT * FROM plain;
