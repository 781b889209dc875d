-- Fields of a nested row are found by name, whatever their order in the table.
CREATE TABLE reordered (
  id INT,
  `user` ROW<age INT, missing STRING, name STRING>
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/nested.json',
  'format' = 'json'
);
SELECT id, `user`.name, `user`.age, `user`.missing FROM reordered;
