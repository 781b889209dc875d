-- Two aggregates of one table, joined: what went out and what came in.
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
SELECT a.order_id, i.paid AS card, o.paid AS cash, COALESCE(i.paid, 0) - COALESCE(o.paid, 0) AS balance
FROM (SELECT DISTINCT order_id FROM payments) a
LEFT JOIN (SELECT order_id, SUM(paid) AS paid FROM payments WHERE way = 'card' GROUP BY order_id) i ON a.order_id = i.order_id
LEFT JOIN (SELECT order_id, SUM(paid) AS paid FROM payments WHERE way = 'cash' GROUP BY order_id) o ON a.order_id = o.order_id;
