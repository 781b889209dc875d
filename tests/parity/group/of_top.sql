-- An aggregate over a Top-N: rows that are pushed out are taken back.
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
SELECT way, COUNT(*) AS n, SUM(paid) AS paid, MIN(paid) AS lo
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY way ORDER BY paid DESC, order_id) AS rn FROM payments WHERE paid IS NOT NULL AND order_id IS NOT NULL AND order_id < 8)
WHERE rn <= 2 GROUP BY way;
