-- The same file under the default standard.
CREATE TABLE iso (
  id INT,
  ts TIMESTAMP(3),
  ltz TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/iso.json',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);
SELECT * FROM iso;
