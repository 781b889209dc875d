-- INTERSECT ALL with NULLs and several columns.
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
SELECT customer, amount FROM orders INTERSECT ALL SELECT customer, amount FROM (SELECT customer, amount FROM orders UNION ALL SELECT CAST(NULL AS STRING), CAST(NULL AS INT) FROM payments);
