-- Right join of results that change.
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
SELECT o.customer, o.total, p.way, p.n FROM (SELECT customer, MAX(id) AS id, SUM(amount) AS total FROM orders GROUP BY customer) o
RIGHT JOIN (SELECT order_id, MAX(way) AS way, COUNT(*) AS n FROM payments GROUP BY order_id) p ON o.id = p.order_id;
