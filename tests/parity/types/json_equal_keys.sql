-- Of equal keys the last counts, as long as not as many as the table has columns were read.
CREATE TABLE equal_keys (
  a INT,
  b INT,
  r ROW<x INT, y INT>
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/equal_keys.json',
  'format' = 'json'
);
SELECT * FROM equal_keys;
