-- FILTER on aggregates, also together with DISTINCT.
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
SELECT product, COUNT(*) FILTER (WHERE ok) AS good, SUM(qty) FILTER (WHERE qty > 3) AS big, COUNT(DISTINCT region) FILTER (WHERE qty > 1) AS regions, MAX(price) FILTER (WHERE region = 'nowhere') AS never, COUNT(*) FILTER (WHERE ok IS NULL) AS unknown_ FROM sales GROUP BY product;
