-- ORDER BY an alias and a place.
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
SELECT id AS x, amount * 2 AS twice FROM orders ORDER BY twice, 1;
