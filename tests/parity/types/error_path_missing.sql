-- A path that does not exist.
CREATE TABLE nowhere (
  id INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/no-such-file.json',
  'format' = 'json'
);
SELECT id FROM nowhere;
