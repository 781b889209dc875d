-- Rows with too few fields, without ignoring errors.
CREATE TABLE short (
  id INT,
  v INT,
  s STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/short.csv',
  'format' = 'csv',
  'csv.ignore-parse-errors' = 'false'
);
SELECT * FROM short;
