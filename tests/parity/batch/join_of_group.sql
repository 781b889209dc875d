-- A join of aggregations.
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
SELECT o.customer, o.s, p.way, p.paid FROM (SELECT customer, SUM(amount) AS s, MAX(id) AS id FROM orders GROUP BY customer) AS o LEFT JOIN (SELECT order_id, MAX(way) AS way, SUM(paid) AS paid FROM payments GROUP BY order_id) AS p ON o.id = p.order_id;
