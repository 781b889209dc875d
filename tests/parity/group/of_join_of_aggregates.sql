-- An aggregate over a left join of aggregates.
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
SELECT n, COUNT(*) AS c, SUM(total) AS total, COUNT(paid) AS paid_n, SUM(paid) AS paid
FROM (SELECT id, COUNT(*) AS n, SUM(amount) AS total FROM orders GROUP BY id) o
LEFT JOIN (SELECT order_id, SUM(paid) AS paid FROM payments GROUP BY order_id) p ON o.id = p.order_id GROUP BY n;
