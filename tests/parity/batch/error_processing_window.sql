-- A window by processing time.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE bids (
  id INT,
  p AS PROCTIME()
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/bids.json',
  'format' = 'json'
);
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(p), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;
