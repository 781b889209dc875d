-- json.ignore-parse-errors: a field that cannot be parsed is NULL, a line that cannot be parsed is left out.
CREATE TABLE broken (
  id INT,
  v INT,
  t TIMESTAMP(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/broken.json',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);
SELECT * FROM broken;
