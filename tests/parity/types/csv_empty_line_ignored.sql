-- An empty line when parse errors are ignored, between rows and at the end of the file.
CREATE TABLE gap_end (
  id INT,
  s STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/gap_end.csv',
  'format' = 'csv',
  'csv.ignore-parse-errors' = 'true'
);
SELECT * FROM gap_end;
