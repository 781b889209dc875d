-- Comments in every place and quoted names.
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
CREATE VIEW `my view` (`first col`, `SELECT`) AS SELECT id, i FROM numbers; -- a comment; with a semicolon
SELECT /* inline */ `first col`, -- to the end of the line
  `SELECT` AS `from`
FROM `my view` /* 'quote */ WHERE `first col` < 3 -- last;
