-- Window aggregates joined by their window, then the best of each window.
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
CREATE VIEW o AS SELECT id, window_start, window_end, SUM(amount) AS amount FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end;
CREATE VIEW p AS SELECT order_id, window_start, window_end, SUM(paid) AS paid FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY order_id, window_start, window_end;
SELECT id, amount, paid, ws, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY ws, we ORDER BY amount DESC, id) AS rn FROM (
    SELECT o.id, o.amount, p.paid, o.window_start AS ws, o.window_end AS we FROM o LEFT JOIN p ON o.id = p.order_id AND o.window_start = p.window_start AND o.window_end = p.window_end))
WHERE rn <= 2;
