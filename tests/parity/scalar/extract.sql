-- EXTRACT of every unit from dates, times, timestamps and intervals.
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
  EXTRACT(YEAR FROM ts) AS year_,
  EXTRACT(QUARTER FROM ts) AS quarter_,
  EXTRACT(MONTH FROM ts) AS month_,
  EXTRACT(WEEK FROM ts) AS week_,
  EXTRACT(DAY FROM ts) AS day_,
  EXTRACT(DOY FROM ts) AS doy_,
  EXTRACT(DOW FROM ts) AS dow_,
  EXTRACT(ISODOW FROM ts) AS isodow_,
  EXTRACT(ISOYEAR FROM ts) AS isoyear_,
  EXTRACT(HOUR FROM ts) AS hour_,
  EXTRACT(MINUTE FROM ts) AS minute_,
  EXTRACT(SECOND FROM ts) AS second_,
  EXTRACT(MILLISECOND FROM ts) AS milli_,
  EXTRACT(CENTURY FROM ts) AS century_,
  EXTRACT(DECADE FROM ts) AS decade_,
  EXTRACT(MILLENNIUM FROM ts) AS millennium_,
  EXTRACT(EPOCH FROM ts) AS epoch_,
  EXTRACT(MONTH FROM d) AS d_month,
  EXTRACT(DOW FROM d) AS d_dow,
  EXTRACT(HOUR FROM t) AS t_hour,
  EXTRACT(SECOND FROM t) AS t_second
FROM times;
