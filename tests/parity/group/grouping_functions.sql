-- GROUPING, GROUPING_ID and GROUP_ID tell a rolled-up column from a NULL key.
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
SELECT region, product, GROUPING(region) AS gr, GROUPING(product) AS gp, GROUPING_ID(region, product) AS gid, GROUP_ID() AS g, COUNT(*) AS n FROM sales WHERE region <> 'east' OR region IS NULL GROUP BY GROUPING SETS ((region), (product), ());
