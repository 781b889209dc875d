-- The time between two timestamps as an interval.
CREATE TABLE times (
  id INT,
  ts TIMESTAMP(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json'
);
SELECT id, CAST((ts - TIMESTAMP '2024-01-01 00:00:00') DAY TO SECOND AS STRING) AS x FROM times;
