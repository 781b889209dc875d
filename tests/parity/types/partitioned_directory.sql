-- A directory in Hive layout: partition columns come from the path.
CREATE TABLE parts (
  id INT,
  v STRING,
  `day` DATE,
  `hour` INT
) PARTITIONED BY (`day`, `hour`) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/partitioned',
  'format' = 'json'
);
SELECT * FROM parts WHERE `hour` > 0;
