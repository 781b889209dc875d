-- COUNT(*), COUNT of a column, of a constant, and of several columns.
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
SELECT region, COUNT(*) AS all_, COUNT(qty) AS qty_, COUNT(1) AS ones, COUNT(ok) AS oks, COUNT(DISTINCT qty) AS distinct_
FROM sales GROUP BY region;
