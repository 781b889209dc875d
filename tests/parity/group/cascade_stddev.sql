-- STDDEV over an updating result.
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
SELECT ROUND(STDDEV_POP(r), 6) AS sd, ROUND(VAR_SAMP(r), 6) AS vs FROM (SELECT region, SUM(rate) AS r FROM sales WHERE rate < 100 GROUP BY region);
