-- CEIL to a week leaves the time of a Sunday out of account.
CREATE TABLE times (
  id INT,
  ts TIMESTAMP(3),
  ts9 TIMESTAMP(9),
  d DATE,
  t TIME(0),
  ltz TIMESTAMP_LTZ(3),
  epoch BIGINT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json'
);
SELECT id, CEIL(ts TO WEEK) AS w, CEIL(d TO WEEK) AS dw, FLOOR(d TO WEEK) AS fw FROM times;
