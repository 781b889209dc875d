-- A directory as path: all its files but those that start with a dot or an underscore.
CREATE TABLE many (
  id INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/many',
  'format' = 'json'
);
SELECT id FROM many;
