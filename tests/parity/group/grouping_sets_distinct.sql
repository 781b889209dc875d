-- DISTINCT aggregates with GROUPING SETS.
CREATE TABLE sales (
  id INT,
  region STRING,
  product STRING,
  qty INT,
  small TINYINT,
  short SMALLINT,
  total BIGINT,
  weight FLOAT,
  rate DOUBLE,
  price DECIMAL(10, 2),
  `day` DATE,
  sold_at TIMESTAMP(3),
  ok BOOLEAN
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/sales.json',
  'format' = 'json'
);
SELECT region, COUNT(DISTINCT product) AS p, COUNT(DISTINCT qty) AS q FROM sales WHERE region <> 'east' OR region IS NULL GROUP BY GROUPING SETS ((region), ());
