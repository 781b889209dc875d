-- A window over a column that is no time attribute.
CREATE TABLE numbers (
  id INT,
  ti TINYINT,
  si SMALLINT,
  i INT,
  bi BIGINT,
  f FLOAT,
  d DOUBLE,
  `dec` DECIMAL(10, 2),
  wide DECIMAL(38, 18)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/numbers.json',
  'format' = 'json'
);
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(i), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
