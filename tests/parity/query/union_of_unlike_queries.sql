-- UNION ALL of an aggregate, a Top-N, a join and a sub-query.
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
SELECT g AS what, COUNT(*) AS n FROM latest GROUP BY g
UNION ALL SELECT k, CAST(v AS BIGINT) FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY v DESC, k) AS rn FROM latest) WHERE rn <= 2
UNION ALL SELECT l.k, CAST(o.amount AS BIGINT) FROM latest l JOIN orders o ON l.v = o.id
UNION ALL SELECT customer, CAST(id AS BIGINT) FROM orders WHERE id IN (SELECT v FROM latest);
