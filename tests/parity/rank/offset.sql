-- Places in the middle.
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
SELECT id, amount, rn FROM (
  SELECT *, ROW_NUMBER() OVER (ORDER BY amount DESC) AS rn FROM orders
)
WHERE rn BETWEEN 2 AND 4;
