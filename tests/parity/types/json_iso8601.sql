-- json.timestamp-format.standard = ISO-8601; values in another form count as parse errors.
CREATE TABLE iso (
  id INT,
  ts TIMESTAMP(3),
  ltz TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/iso.json',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.ignore-parse-errors' = 'true'
);
SELECT * FROM iso;
