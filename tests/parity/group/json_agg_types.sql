-- JSON_ARRAYAGG of several types, with NULL ON NULL.
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
SELECT JSON_ARRAYAGG(d NULL ON NULL) AS a, JSON_ARRAYAGG(s) AS b, JSON_ARRAYAGG(id > 3) AS c, JSON_OBJECTAGG(KEY CAST(id AS STRING) VALUE s) AS e FROM readings;
