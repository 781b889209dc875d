-- TIMESTAMPADD in every unit; months clip to the last day.
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
  TIMESTAMPADD(SECOND, 90, ts) AS sec_,
  TIMESTAMPADD(MINUTE, -90, ts) AS min_,
  TIMESTAMPADD(HOUR, 25, ts) AS hour_,
  TIMESTAMPADD(DAY, 1, ts) AS day_,
  TIMESTAMPADD(WEEK, 1, ts) AS week_,
  TIMESTAMPADD(MONTH, 12, ts) AS month_,
  TIMESTAMPADD(QUARTER, -1, ts) AS quarter_,
  TIMESTAMPADD(YEAR, 1, ts) AS year_,
  TIMESTAMPADD(DAY, -1, d) AS d_day,
  TIMESTAMPADD(MONTH, 1, d) AS d_month,
  TIMESTAMPADD(SECOND, id, ts) AS by_column
FROM times;
