-- A metadata column that the connector does not have.
CREATE TABLE kv (
  `Id` INT,
  o BIGINT METADATA FROM 'offset'
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/cased.json',
  'format' = 'json'
);
SELECT * FROM kv;
