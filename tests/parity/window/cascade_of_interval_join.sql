-- Windows over windows over an interval join.
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
CREATE VIEW joined AS SELECT o.customer, p.paid, p.ts AS ts FROM orders o JOIN payments p ON o.id = p.order_id AND p.ts BETWEEN o.ts AND o.ts + INTERVAL '12' SECOND;
CREATE VIEW small AS SELECT customer, window_time AS rt, SUM(paid) AS paid FROM TABLE(TUMBLE(TABLE joined, DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY customer, window_start, window_end, window_time;
SELECT window_start, window_end, COUNT(*) AS n, SUM(paid) AS paid FROM TABLE(CUMULATE(TABLE small, DESCRIPTOR(rt), INTERVAL '10' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
