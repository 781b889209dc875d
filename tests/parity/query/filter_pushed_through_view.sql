-- A filter above a view above a union.
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
CREATE VIEW both_ AS SELECT id, i AS v FROM numbers UNION ALL SELECT id, CAST(si AS INT) FROM numbers;
SELECT * FROM both_ WHERE v > 0 AND id < 8;
