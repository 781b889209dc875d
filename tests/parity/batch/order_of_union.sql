-- ORDER BY over a UNION ALL.
-- in order
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
SELECT id, amount FROM orders WHERE amount > 20 UNION ALL SELECT id + 100, amount FROM orders WHERE amount < 30 ORDER BY amount, id;
