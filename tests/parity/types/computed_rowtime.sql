-- A time attribute computed from a number.
CREATE TABLE times (
  id INT,
  epoch BIGINT,
  at_ AS TO_TIMESTAMP_LTZ(epoch, 0),
  ts AS TO_TIMESTAMP(FROM_UNIXTIME(epoch))
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);
SELECT id, at_, ts FROM times;
