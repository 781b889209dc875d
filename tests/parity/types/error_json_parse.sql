-- Without that option a line that is not JSON fails the job.
CREATE TABLE broken (
  id INT,
  v STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/broken.json',
  'format' = 'json'
);
SELECT * FROM broken;
