-- Results that change, on both sides.
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
CREATE TABLE payments (
  order_id INT,
  paid INT,
  way STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/payments.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT o.customer, total, paid FROM (SELECT customer, SUM(amount) AS total, MIN(id) AS first_id FROM orders GROUP BY customer) o LEFT JOIN (SELECT order_id, SUM(paid) AS paid FROM payments GROUP BY order_id) p ON o.first_id = p.order_id;
