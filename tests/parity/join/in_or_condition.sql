-- IN with a sub-query or another condition.
CREATE TABLE changes (
  n INT,
  k STRING,
  g STRING,
  v INT,
  d DECIMAL(10, 2),
  s STRING,
  gone BOOLEAN
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/changes.json',
  'format' = 'json'
);
CREATE VIEW latest AS
SELECT k, g, v, d, s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY n DESC) AS rn FROM changes)
WHERE rn = 1 AND NOT gone;
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
SELECT k, v FROM latest WHERE v IN (SELECT id FROM orders WHERE customer = 'ann') OR g = 'z';
