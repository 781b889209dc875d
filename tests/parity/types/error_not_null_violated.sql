-- NULL in a column declared NOT NULL.
CREATE TABLE types (
  i INT NOT NULL,
  s STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/types.json',
  'format' = 'json'
);
SELECT * FROM types;
