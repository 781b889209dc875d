-- What follows the object on a line is passed over.
CREATE TABLE tails (
  id INT,
  s STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/trailing.json',
  'format' = 'json'
);
SELECT * FROM tails;
