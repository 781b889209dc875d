-- SUM of each numeric type: the type stays, integers wrap.
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
SELECT region, SUM(small) AS ti, SUM(short) AS si, SUM(qty) AS i, SUM(total) AS bi, SUM(weight) AS f, SUM(rate) AS d, SUM(price) AS `dec`
FROM sales GROUP BY region;
