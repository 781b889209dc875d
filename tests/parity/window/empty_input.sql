-- A window over an empty input gives no row.
CREATE TABLE nothing (
  x INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/empty.json',
  'format' = 'json'
);
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE nothing, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;
