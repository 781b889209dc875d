-- Windows of a day over a zoned time attribute follow the session time zone, with daylight saving.
SET 'table.local-time-zone' = 'Europe/Berlin';
CREATE TABLE days (
  id INT,
  epoch BIGINT,
  rt AS TO_TIMESTAMP_LTZ(epoch, 0),
  WATERMARK FOR rt AS rt - INTERVAL '1' HOUR
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/days.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT window_start, window_end, window_time, COUNT(*) AS n, MIN(id) AS first_id, MAX(id) AS last_id
FROM TABLE(TUMBLE(TABLE days, DESCRIPTOR(rt), INTERVAL '1' DAY))
GROUP BY window_start, window_end, window_time;
