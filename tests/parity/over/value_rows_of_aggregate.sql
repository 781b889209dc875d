-- Over a result that changes, row by row.
CREATE TABLE orders (
  id INT,
  customer STRING,
  amount INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/orders.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT customer, total, SUM(total) OVER (ORDER BY total ROWS UNBOUNDED PRECEDING) AS x FROM (SELECT customer, SUM(amount) AS total FROM orders GROUP BY customer);
