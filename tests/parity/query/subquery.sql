-- Sub-queries in FROM, nested, with a column list.
CREATE TABLE numbers (
  id INT,
  ti TINYINT,
  si SMALLINT,
  i INT,
  bi BIGINT,
  f FLOAT,
  d DOUBLE,
  `dec` DECIMAL(10, 2),
  wide DECIMAL(38, 18)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/numbers.json',
  'format' = 'json'
);
SELECT t.b, t.a + 1 AS c FROM (SELECT x AS a, y FROM (SELECT id AS x, d AS y FROM numbers) AS u WHERE x < 5) AS t (a, b) WHERE t.b IS NOT NULL;
