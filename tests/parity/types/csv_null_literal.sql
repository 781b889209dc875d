-- csv.null-literal.
CREATE TABLE nulls (
  id INT,
  s STRING,
  n INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/nulls.csv',
  'format' = 'csv',
  'csv.null-literal' = 'n/a'
);
SELECT * FROM nulls;
