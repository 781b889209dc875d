-- Top-N over ROLLUP.
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
SELECT way, order_id, n FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, paid DESC, way, order_id) AS rn FROM (
  SELECT way, order_id, COUNT(*) AS n, SUM(paid) AS paid FROM payments GROUP BY ROLLUP (way, order_id))) WHERE rn <= 5;
