-- Arrays in CSV, with the default element delimiter.
CREATE TABLE arrays (
  id INT,
  tags ARRAY<STRING>,
  nums ARRAY<INT>
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/arrays.csv',
  'format' = 'csv'
);
SELECT * FROM arrays;
