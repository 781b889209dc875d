-- JSON_OBJECTAGG with a key twice.
CREATE TABLE readings (
  id INT,
  k STRING,
  v INT,
  d DOUBLE,
  s STRING,
  ts TIMESTAMP(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/readings.json',
  'format' = 'json'
);
SELECT JSON_OBJECTAGG(KEY s VALUE id) AS e FROM readings WHERE s IS NOT NULL;
