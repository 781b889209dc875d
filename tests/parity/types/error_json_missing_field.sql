-- json.fail-on-missing-field.
CREATE TABLE types (
  i INT,
  s STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/types.json',
  'format' = 'json',
  'json.fail-on-missing-field' = 'true'
);
SELECT * FROM types;
