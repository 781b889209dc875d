-- A quoted field may hold newlines, and empty lines.
CREATE TABLE multiline (
  id INT,
  s STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/multiline.csv',
  'format' = 'csv'
);
SELECT * FROM multiline;
