-- A projection and a filter over an updating result.
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
SELECT region, n * 10 AS n10, n > 3 AS many FROM (SELECT region, COUNT(*) AS n FROM sales GROUP BY region) WHERE n <> 2;
