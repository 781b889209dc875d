-- Rows of an updating result that move from one group to another.
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
SELECT MAX(q) AS hi, COUNT(*) AS n FROM (SELECT product, MAX(qty) AS q FROM sales WHERE qty < 100 GROUP BY product) GROUP BY q > 5;
