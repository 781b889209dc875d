-- The raw format takes one column.
CREATE TABLE lines (
  a STRING,
  b STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/lines.txt',
  'format' = 'raw'
);
SELECT * FROM lines;
