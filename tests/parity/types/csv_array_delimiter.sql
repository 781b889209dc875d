-- csv.array-element-delimiter.
CREATE TABLE people (
  id INT,
  a ARRAY<STRING>
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/people.csv',
  'format' = 'csv',
  'csv.field-delimiter' = '|',
  'csv.array-element-delimiter' = ';'
);
SELECT * FROM people;
