-- LISTAGG with and without separator, DISTINCT, FILTER; NULL is skipped.
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
SELECT region, LISTAGG(product) AS p, LISTAGG(product, '|') AS bar, LISTAGG(DISTINCT product) AS d, LISTAGG(product) FILTER (WHERE qty > 3) AS f, LISTAGG(CAST(qty AS STRING), '') AS q FROM sales GROUP BY region;
