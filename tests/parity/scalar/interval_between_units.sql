-- The time between two timestamps in single units.
CREATE TABLE times (
  id INT,
  ts TIMESTAMP(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json'
);
SELECT id, (ts - TIMESTAMP '2024-01-01 00:00:00') SECOND AS x, (ts - TIMESTAMP '2024-01-01 00:00:00') MONTH AS y, (ts - TIMESTAMP '2024-01-01 00:00:00') HOUR AS z FROM times;
