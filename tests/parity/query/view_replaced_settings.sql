-- SET, RESET, DROP, IF EXISTS and IF NOT EXISTS before the query.
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
SET 'table.local-time-zone' = 'Asia/Tokyo';
RESET 'table.local-time-zone';
CREATE VIEW v AS SELECT 1 AS x;
DROP VIEW v;
DROP VIEW IF EXISTS v;
CREATE VIEW v AS SELECT id AS x FROM numbers;
CREATE VIEW IF NOT EXISTS v AS SELECT 99 AS x;
SELECT x FROM v WHERE x < 3;
