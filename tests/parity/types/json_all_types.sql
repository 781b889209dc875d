-- Every scalar type decoded from JSON: limits, NULL, missing and unknown fields, escapes.
CREATE TABLE types (
  b BOOLEAN,
  ti TINYINT,
  si SMALLINT,
  i INT,
  bi BIGINT,
  f FLOAT,
  d DOUBLE,
  `dec` DECIMAL(8, 2),
  c CHAR(4),
  v VARCHAR(5),
  s STRING,
  bin BINARY(3),
  `by` BYTES,
  dt DATE,
  tm TIME(0),
  ts TIMESTAMP(3),
  ts9 TIMESTAMP(9),
  ltz TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/types.json',
  'format' = 'json'
);
SELECT * FROM types;
