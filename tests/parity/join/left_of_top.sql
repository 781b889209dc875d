-- A left join with a Top-N: rows pushed out leave NULL behind.
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
SELECT o.id, o.customer, t.k, t.v
FROM orders o LEFT JOIN (SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY g ORDER BY v DESC, k) AS rn FROM latest) WHERE rn = 1) t ON o.id = t.v;
