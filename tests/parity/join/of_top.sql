-- A join over a Top-N.
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
SELECT o.id, o.customer, p.paid, p.rn
FROM orders o JOIN (SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY way ORDER BY paid, order_id DESC) AS rn FROM payments WHERE order_id <> 8 OR order_id IS NULL) WHERE rn <= 3) p
ON o.id = p.order_id;
