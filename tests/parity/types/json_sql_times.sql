-- Which texts count as dates, times and timestamps in JSON; all others are parse errors.
CREATE TABLE sqltime (
  id INT,
  ts TIMESTAMP(3),
  d DATE,
  t TIME(0)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/sqltime.json',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);
SELECT * FROM sqltime;
