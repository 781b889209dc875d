-- csv.allow-comments: lines that start with #, and empty lines.
CREATE TABLE comments (
  id INT,
  s STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/comments.csv',
  'format' = 'csv',
  'csv.allow-comments' = 'true',
  'csv.ignore-parse-errors' = 'true'
);
SELECT * FROM comments;
