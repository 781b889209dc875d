-- Lines that end in carriage return and newline.
CREATE TABLE crlf (
  id INT,
  s STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/crlf.csv',
  'format' = 'csv'
);
SELECT id, s, CHAR_LENGTH(s) AS n FROM crlf;
