-- Aggregates of expressions and expressions of aggregates.
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
SELECT region, SUM(qty * price) AS revenue, SUM(CASE WHEN ok THEN 1 ELSE 0 END) AS good, MAX(CHAR_LENGTH(product)) AS longest, 1e0 * SUM(qty) / NULLIF(COUNT(qty), 0) AS mean, COALESCE(SUM(qty), 0) AS q FROM sales WHERE region <> 'east' OR region IS NULL GROUP BY region;
