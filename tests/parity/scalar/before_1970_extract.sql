-- Parts of timestamps before 1970 that have a fraction of a second.
CREATE TABLE old_times (
  id INT,
  ts TIMESTAMP(3),
  ts9 TIMESTAMP(9),
  d DATE,
  t TIME(0),
  ltz TIMESTAMP_LTZ(3),
  epoch BIGINT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/old_times.json',
  'format' = 'json'
);
SELECT
  id,
  EXTRACT(YEAR FROM ts) AS year_,
  EXTRACT(DAY FROM ts) AS day_,
  EXTRACT(DOY FROM ts) AS doy_,
  EXTRACT(HOUR FROM ts) AS hour_,
  EXTRACT(SECOND FROM ts) AS second_,
  EXTRACT(MILLISECOND FROM ts) AS milli_,
  EXTRACT(NANOSECOND FROM ts9) AS nano_,
  EXTRACT(EPOCH FROM ts) AS epoch_,
  YEAR(d) AS d_year,
  DAYOFWEEK(d) AS d_dow,
  HOUR(ltz) AS hour_ltz,
  DATE_FORMAT(ts, 'yyyy-MM-dd HH:mm:ss.SSS') AS formatted
FROM old_times;
