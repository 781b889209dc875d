-- The OPTIONS hint changes an option of a table for one query.
CREATE TABLE t (
  id INT,
  i INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/no-such-file.json',
  'format' = 'json'
);
SELECT id, i FROM t /*+ OPTIONS('path' = '${DATA}/numbers.json') */ WHERE id <= 2;
