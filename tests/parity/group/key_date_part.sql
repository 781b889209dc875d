-- A key taken from a time.
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
SELECT EXTRACT(MONTH FROM `day`) AS m, FLOOR(sold_at TO MINUTE) AS mi, COUNT(*) AS n FROM sales GROUP BY EXTRACT(MONTH FROM `day`), FLOOR(sold_at TO MINUTE);
