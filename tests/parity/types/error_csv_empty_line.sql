-- An empty line is a row with too few fields.
CREATE TABLE gap (
  id INT,
  s STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/gap.csv',
  'format' = 'csv'
);
SELECT * FROM gap;
