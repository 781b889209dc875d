-- An option that nobody knows is not refused by the filesystem connector.
CREATE TABLE types (
  i INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/types.json',
  'format' = 'json',
  'json.no-such-option' = '1'
);
SELECT i FROM types;
