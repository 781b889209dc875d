-- NULL in the time attribute fails the job.
CREATE TABLE times (
  id INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json'
);
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE times, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
