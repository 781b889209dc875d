-- Several filters over the same distinct column.
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
SELECT COUNT(DISTINCT product) AS all_, COUNT(DISTINCT product) FILTER (WHERE ok) AS good, COUNT(DISTINCT product) FILTER (WHERE NOT ok) AS bad FROM sales;
