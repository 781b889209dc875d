-- INTERSECT ALL and EXCEPT ALL.
SET 'execution.runtime-mode' = 'batch';
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
CREATE TABLE payments (
  order_id INT,
  paid INT,
  way STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/payments.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT * FROM (SELECT id FROM orders INTERSECT ALL SELECT order_id FROM payments) UNION ALL SELECT * FROM (SELECT order_id FROM payments EXCEPT ALL SELECT id FROM orders);
