-- ORDER BY a value that is not selected.
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
SELECT customer FROM orders WHERE id IS NOT NULL ORDER BY CHAR_LENGTH(customer) * 10 + id DESC LIMIT 4;
