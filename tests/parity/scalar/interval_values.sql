-- Intervals as values.
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
  INTERVAL '1' DAY AS day_,
  INTERVAL '2:03:04.567' HOUR TO SECOND AS hms,
  INTERVAL '1-2' YEAR TO MONTH AS months_,
  INTERVAL '-5' SECOND AS neg_,
  id * INTERVAL '1' MINUTE AS multiple,
  INTERVAL '1' HOUR + INTERVAL '30' MINUTE AS sum_,
  (ts - TIMESTAMP '2024-01-01 00:00:00') DAY TO SECOND AS diff
FROM times
WHERE id IN (1, 2, 5);
