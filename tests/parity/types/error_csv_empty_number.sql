-- An empty field is no number: without a null literal it fails the job.
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
  'format' = 'csv'
);
SELECT * FROM empties;
