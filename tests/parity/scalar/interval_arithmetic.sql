-- Intervals added to and taken from dates, times and timestamps; multiples; the difference of two times.
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
  ts + INTERVAL '1' DAY AS plus_day,
  ts - INTERVAL '1.5' SECOND AS minus_sec,
  ts + INTERVAL '10:30' HOUR TO MINUTE AS plus_hm,
  ts + INTERVAL '1 02:03:04.005' DAY TO SECOND AS plus_dhms,
  ts + INTERVAL '1' MONTH AS plus_month,
  ts - INTERVAL '1' YEAR AS minus_year,
  ts + INTERVAL '1-2' YEAR TO MONTH AS plus_ym,
  ts + INTERVAL '1' WEEK AS plus_week,
  ts + INTERVAL '1' QUARTER AS plus_quarter,
  d + INTERVAL '1' DAY AS d_plus,
  d + INTERVAL '1' MONTH AS d_month,
  t + INTERVAL '1' HOUR AS t_plus,
  ts + 2 * INTERVAL '1' HOUR AS twice,
  ts + id * INTERVAL '1' MINUTE AS by_column,
  ltz + INTERVAL '1' DAY AS ltz_plus,
  ts + INTERVAL '-3' MINUTE AS neg_
FROM times;
