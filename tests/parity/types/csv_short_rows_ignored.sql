-- Rows with too few fields when parse errors are ignored.
CREATE TABLE short (
  id INT,
  v INT,
  s STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/short.csv',
  'format' = 'csv',
  'csv.ignore-parse-errors' = 'true'
);
SELECT * FROM short;
