-- json.fail-on-missing-field and json.ignore-parse-errors exclude each other.
CREATE TABLE types (
  i INT,
  s STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/types.json',
  'format' = 'json',
  'json.fail-on-missing-field' = 'true',
  'json.ignore-parse-errors' = 'true'
);
SELECT * FROM types;
