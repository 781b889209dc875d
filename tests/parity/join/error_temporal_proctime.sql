-- By processing time, with a table that cannot be looked up.
CREATE TABLE trades (
  id INT,
  cur STRING,
  amount INT,
  venue STRING,
  ts TIMESTAMP(3),
  p AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/trades.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
CREATE TABLE numbers (id INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'datagen');
SELECT t.id FROM trades AS t JOIN numbers FOR SYSTEM_TIME AS OF t.p AS r ON t.id = r.id;
