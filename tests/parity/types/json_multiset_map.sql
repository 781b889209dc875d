-- Maps and multisets from JSON objects.
CREATE TABLE nested (
  id INT,
  scores MULTISET<STRING>
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/nested.json',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);
SELECT id, scores FROM nested WHERE id <> 4;
