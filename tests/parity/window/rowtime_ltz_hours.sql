-- Hopping hours over a zoned time attribute across the change to winter time.
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
SELECT window_start, window_end, COUNT(*) AS n, MAX(id) AS last_id
FROM TABLE(HOP(TABLE days, DESCRIPTOR(rt), INTERVAL '1' HOUR, INTERVAL '2' HOUR))
GROUP BY window_start, window_end;
