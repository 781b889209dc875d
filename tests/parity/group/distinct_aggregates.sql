-- DISTINCT aggregates next to plain ones.
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
SELECT region, COUNT(DISTINCT product) AS cp, COUNT(DISTINCT qty) AS cq, SUM(DISTINCT qty) AS sq, AVG(DISTINCT qty) AS aq, MAX(DISTINCT qty) AS mq, SUM(qty) AS s, COUNT(DISTINCT ok) AS ck FROM sales WHERE region <> 'east' OR region IS NULL GROUP BY region;
