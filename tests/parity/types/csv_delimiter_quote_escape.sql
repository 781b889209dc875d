-- csv.field-delimiter, csv.quote-character and csv.escape-character.
CREATE TABLE semi (
  id INT,
  a STRING,
  b STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/semi.csv',
  'format' = 'csv',
  'csv.field-delimiter' = ';',
  'csv.quote-character' = '''',
  'csv.escape-character' = '\'
);
SELECT * FROM semi;
