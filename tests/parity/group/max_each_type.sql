-- MAX of each type.
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
SELECT region, MAX(small) AS ti, MAX(short) AS si, MAX(qty) AS i, MAX(total) AS bi, MAX(weight) AS f, MAX(rate) AS d, MAX(price) AS `dec`, MAX(product) AS s, MAX(`day`) AS dt, MAX(sold_at) AS ts, MAX(ok) AS b
FROM sales GROUP BY region;
