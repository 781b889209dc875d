-- COLLECT, ARRAY_AGG and the JSON aggregates.
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
SELECT region, ARRAY_AGG(qty) AS a, ARRAY_AGG(DISTINCT product) AS d, JSON_ARRAYAGG(qty) AS j, JSON_OBJECTAGG(KEY CAST(id AS STRING) VALUE qty) AS o FROM sales WHERE region IN ('north', 'south') GROUP BY region;
