-- An ISO timestamp under the default standard fails the job.
CREATE TABLE iso (
  id INT,
  ts TIMESTAMP(3),
  ltz TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/iso.json',
  'format' = 'json'
);
SELECT * FROM iso;
