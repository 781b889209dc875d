-- FIRST_VALUE and LAST_VALUE in arrival order; NULL is skipped.
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
SELECT region, FIRST_VALUE(qty) AS f, LAST_VALUE(qty) AS l, FIRST_VALUE(product) AS fp, LAST_VALUE(product) AS lp, LAST_VALUE(ok) AS lo FROM sales GROUP BY region;
