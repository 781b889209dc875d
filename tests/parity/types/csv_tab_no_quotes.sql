-- A tab as delimiter and csv.disable-quote-character.
CREATE TABLE tabs (
  id INT,
  a STRING,
  b STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/tabs.csv',
  'format' = 'csv',
  'csv.field-delimiter' = '\t',
  'csv.disable-quote-character' = 'true'
);
SELECT * FROM tabs;
