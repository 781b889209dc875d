-- ORDER BY times with NULL.
-- in order
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE times (
  id INT,
  ts TIMESTAMP(3),
  ts9 TIMESTAMP(9),
  d DATE,
  t TIME,
  epoch BIGINT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json'
);
SELECT id, ts, ts9, t FROM times ORDER BY t DESC, ts9;
