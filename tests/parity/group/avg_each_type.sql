-- AVG of each numeric type: integers give an integer, truncated toward zero.
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
SELECT region, AVG(small) AS ti, AVG(short) AS si, AVG(qty) AS i, AVG(total) AS bi, AVG(weight) AS f, AVG(rate) AS d, AVG(price) AS `dec`
FROM sales GROUP BY region;
