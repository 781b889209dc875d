-- Columns of a CTE whose names repeat.
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
WITH a AS (SELECT *, id, i FROM (SELECT id, i FROM numbers)) SELECT id0, i0, a.*, id0 + 1 FROM a WHERE id0 < 3;
