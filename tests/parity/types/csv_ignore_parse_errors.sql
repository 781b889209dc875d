-- csv.ignore-parse-errors: wrong types, too few and too many fields.
CREATE TABLE bad (
  id INT,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bad.csv',
  'format' = 'csv',
  'csv.ignore-parse-errors' = 'true'
);
SELECT * FROM bad;
