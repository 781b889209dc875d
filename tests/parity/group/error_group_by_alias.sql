-- GROUP BY the alias of an output column.
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
SELECT UPPER(region) AS r, COUNT(*) AS n FROM sales GROUP BY r;
