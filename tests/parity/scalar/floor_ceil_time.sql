-- FLOOR and CEIL of timestamps, dates and times to a unit.
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
SELECT
  id,
  FLOOR(ts TO SECOND) AS f_second,
  FLOOR(ts TO MINUTE) AS f_minute,
  FLOOR(ts TO HOUR) AS f_hour,
  FLOOR(ts TO DAY) AS f_day,
  FLOOR(ts TO WEEK) AS f_week,
  FLOOR(ts TO MONTH) AS f_month,
  FLOOR(ts TO QUARTER) AS f_quarter,
  FLOOR(ts TO YEAR) AS f_year,
  CEIL(ts TO SECOND) AS c_second,
  CEIL(ts TO MINUTE) AS c_minute,
  CEIL(ts TO HOUR) AS c_hour,
  CEIL(ts TO DAY) AS c_day,
  CEIL(ts TO MONTH) AS c_month,
  CEIL(ts TO YEAR) AS c_year,
  FLOOR(d TO MONTH) AS d_month,
  CEIL(d TO YEAR) AS d_year_up,
  FLOOR(t TO HOUR) AS t_hour,
  FLOOR(ltz TO HOUR) AS ltz_hour
FROM times;
