-- A row number without an upper bound.
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
SELECT id, rn FROM (
  SELECT *, ROW_NUMBER() OVER (ORDER BY id) AS rn FROM orders
)
WHERE rn > 2;
