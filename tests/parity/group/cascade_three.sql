-- Three aggregates on top of each other.
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
SELECT MAX(n) AS m FROM (SELECT q, COUNT(*) AS n FROM (SELECT product, region, SUM(qty) AS q FROM sales GROUP BY product, region) GROUP BY q);
