-- OVER in a view keeps event time for a window behind it.
CREATE TABLE readings (
  id INT,
  k STRING,
  v INT,
  d DOUBLE,
  s STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/readings.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
CREATE VIEW counted AS SELECT id, ts, COUNT(*) OVER (PARTITION BY k ORDER BY ts) AS c FROM readings;
SELECT window_start, SUM(c) AS s, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE counted, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
