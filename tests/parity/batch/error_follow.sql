-- A folder that is followed has no end.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE lines (
  id INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/orders.json',
  'format' = 'json',
  'source.monitor-interval' = '1 s'
);
SELECT COUNT(*) FROM lines;
