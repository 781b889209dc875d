-- Common table expressions, used twice and building on each other.
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
WITH small AS (SELECT id, i FROM numbers WHERE i < 1000),
  labelled (n, label) AS (SELECT id, CONCAT('n', CAST(i AS STRING)) FROM small)
SELECT n, label FROM labelled
UNION ALL
SELECT id, 'again' FROM small;
