-- Computed columns, from physical and metadata columns and in any position.
CREATE TABLE numbers (
  double_i AS i * 2,
  id INT,
  i INT,
  label AS CONCAT('#', CAST(id AS STRING)),
  bi BIGINT,
  name_ STRING NOT NULL METADATA FROM 'file.name',
  place AS UPPER(name_),
  half AS bi / 2
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/numbers.json',
  'format' = 'json'
);
SELECT * FROM numbers;
