-- ORDER BY dates, times and booleans.
-- in order
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE sales (
  id INT,
  region STRING,
  product STRING,
  qty INT,
  price DECIMAL(10, 2),
  `day` DATE,
  ok BOOLEAN,
  sold_at TIMESTAMP(3)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/sales.json',
  'format' = 'json'
);
SELECT id, `day`, ok, price FROM sales ORDER BY `day`, ok DESC, price, id;
