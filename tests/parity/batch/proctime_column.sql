-- PROCTIME is a time that is no attribute.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE bids (
  id INT,
  p AS PROCTIME()
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bids.json',
  'format' = 'json'
);
SELECT id, p IS NULL AS n FROM bids;
