-- A result without keys is one row.
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
SELECT COUNT(*) AS n, COUNT(DISTINCT customer) AS c, SUM(amount) AS s FROM orders;
