-- Aggregates joined, aggregated, and joined again.
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
CREATE TABLE dim (
  k INT,
  kind STRING,
  name STRING,
  w INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/dim.json',
  'format' = 'json'
);
SELECT k, kind, n, total FROM dim
JOIN (SELECT c, COUNT(*) AS n, SUM(total) AS total
  FROM (SELECT id, COUNT(*) AS c, SUM(amount) AS total FROM orders GROUP BY id) o
  JOIN (SELECT order_id, COUNT(*) AS d FROM payments GROUP BY order_id) p ON o.id = p.order_id GROUP BY c) a ON k = n OR k = a.c;
