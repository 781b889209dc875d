-- A field of the wrong type fails the job.
CREATE TABLE broken (
  id INT,
  v INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/broken.json',
  'format' = 'json'
);
SELECT * FROM broken;
