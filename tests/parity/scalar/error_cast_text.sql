-- CAST of a text that is no number fails the job.
CREATE TABLE strings (
  id INT,
  s STRING,
  t STRING,
  n INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/strings.json',
  'format' = 'json'
);
SELECT id, CAST(s AS INT) AS i FROM strings;
