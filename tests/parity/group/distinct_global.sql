-- DISTINCT aggregates over everything.
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
SELECT COUNT(DISTINCT region) AS r, COUNT(DISTINCT product) AS p, COUNT(DISTINCT price) AS d, COUNT(DISTINCT region || product) AS rp FROM sales;
