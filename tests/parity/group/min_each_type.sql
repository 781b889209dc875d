-- MIN of each type.
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
SELECT region, MIN(small) AS ti, MIN(short) AS si, MIN(qty) AS i, MIN(total) AS bi, MIN(weight) AS f, MIN(rate) AS d, MIN(price) AS `dec`, MIN(product) AS s, MIN(`day`) AS dt, MIN(sold_at) AS ts, MIN(ok) AS b
FROM sales GROUP BY region;
