-- Top-N of a result that changes.
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
SELECT customer, total, rn FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY total DESC, customer) AS rn FROM (SELECT customer, SUM(amount) AS total FROM orders GROUP BY customer)) WHERE rn <= 2;
