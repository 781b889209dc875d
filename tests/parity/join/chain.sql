-- Three inputs.
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
SELECT a.id, b.paid, c.way FROM orders a LEFT JOIN payments b ON a.id = b.order_id LEFT JOIN payments c ON b.paid = c.paid AND c.way = 'card';
