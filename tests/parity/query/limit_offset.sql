-- LIMIT and OFFSET over one row.
CREATE TABLE orders (
  id INT,
  customer STRING,
  amount INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/orders.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT customer, COUNT(*) AS n FROM orders WHERE customer = 'ann' GROUP BY customer LIMIT 1 OFFSET 0;
