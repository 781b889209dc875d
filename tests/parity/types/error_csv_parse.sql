-- A field of the wrong type fails the job.
CREATE TABLE bad (
  id INT,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bad.csv',
  'format' = 'csv'
);
SELECT * FROM bad;
