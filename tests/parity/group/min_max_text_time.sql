-- MIN and MAX of text, dates, times and timestamps.
CREATE TABLE times (
  id INT,
  ts TIMESTAMP(3),
  ts9 TIMESTAMP(9),
  d DATE,
  t TIME(0),
  ltz TIMESTAMP_LTZ(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json'
);
SELECT MIN(ts) AS a, MAX(ts9) AS b, MIN(d) AS c, MAX(t) AS e, MAX(ltz) AS f, MIN(CAST(d AS STRING)) AS g, COUNT(DISTINCT d) AS h FROM times;
