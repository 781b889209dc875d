-- YEAR, QUARTER, MONTH, WEEK, DAYOFYEAR, DAYOFMONTH, DAYOFWEEK, HOUR, MINUTE, SECOND.
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
  YEAR(d) AS y,
  QUARTER(d) AS q,
  MONTH(ts) AS m,
  WEEK(d) AS w,
  DAYOFYEAR(ts) AS doy,
  DAYOFMONTH(d) AS dom,
  DAYOFWEEK(d) AS dow,
  HOUR(ts) AS h,
  MINUTE(ts) AS mi,
  SECOND(ts) AS s,
  HOUR(t) AS h_t,
  HOUR(ltz) AS h_ltz,
  YEAR(ltz) AS y_ltz
FROM times;
