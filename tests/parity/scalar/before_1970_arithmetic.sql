-- Arithmetic and rounding of times before 1970.
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
  ts + INTERVAL '1' DAY AS plus_day,
  ts - INTERVAL '1' MONTH AS minus_month,
  TIMESTAMPADD(HOUR, 25, ts) AS add_hour,
  TIMESTAMPDIFF(DAY, ts, TIMESTAMP '2024-01-31 12:00:00.500') AS diff_days,
  TIMESTAMPDIFF(MONTH, ts, TIMESTAMP '2024-01-31 12:00:00.500') AS diff_months,
  FLOOR(ts TO SECOND) AS f_second,
  FLOOR(ts TO HOUR) AS f_hour,
  FLOOR(ts TO MONTH) AS f_month,
  CEIL(ts TO MINUTE) AS c_minute,
  d + INTERVAL '1' DAY AS d_plus,
  FLOOR(d TO MONTH) AS d_month,
  FROM_UNIXTIME(epoch) AS epoch_,
  TO_TIMESTAMP_LTZ(epoch, 0) AS from_epoch
FROM old_times;
