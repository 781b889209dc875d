-- DATE_FORMAT of timestamps, zoned timestamps and text.
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
  DATE_FORMAT(ts, 'yyyy-MM-dd HH:mm:ss.SSS') AS iso,
  DATE_FORMAT(ts, 'yyyy-MM-dd') AS day_,
  DATE_FORMAT(ts, 'yyyyMM') AS month_,
  DATE_FORMAT(ts, 'hh:mm a') AS clock,
  DATE_FORMAT(ts, 'EEE, d MMM yyyy') AS names,
  DATE_FORMAT(ts, 'EEEE d MMMM yy') AS long_names,
  DATE_FORMAT(ts, 'H''h ''m') AS parts,
  DATE_FORMAT(ts, 'D') AS doy,
  DATE_FORMAT(ltz, 'yyyy-MM-dd HH:mm') AS zoned,
  DATE_FORMAT(CAST(ts AS STRING), 'yyyy/MM/dd HH') AS text_,
  DATE_FORMAT(CAST(d AS TIMESTAMP(3)), 'dd.MM.yyyy') AS from_date,
  DATE_FORMAT(ts9, 'HH:mm:ss.SSSSSSSSS') AS nanos
FROM times;
