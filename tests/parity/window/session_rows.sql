-- SESSION alone: rows with the session they belong to, once it is closed.
CREATE TABLE clicks (
  id INT,
  `user` STRING,
  spent INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/clicks.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT *
FROM TABLE(SESSION(TABLE clicks PARTITION BY `user`, DESCRIPTOR(ts), INTERVAL '5' SECOND));
