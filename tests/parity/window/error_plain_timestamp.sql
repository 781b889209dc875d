-- A window over a timestamp without a watermark.
CREATE TABLE times (
  id INT,
  ts TIMESTAMP(3),
  ts9 TIMESTAMP(9),
  d DATE,
  t TIME(0),
  ltz TIMESTAMP_LTZ(3),
  epoch BIGINT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json'
);
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE times, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
