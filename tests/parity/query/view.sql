-- A view with a column list, and a view upon a view.
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
CREATE VIEW v1 (k, n) AS SELECT id, i FROM numbers WHERE i IS NOT NULL;
CREATE TEMPORARY VIEW v2 AS SELECT k, n / 2 AS half FROM v1;
CREATE VIEW v3 AS SELECT *, half > 0 AS positive FROM v2 WHERE k <> 3;
SELECT * FROM v3;
