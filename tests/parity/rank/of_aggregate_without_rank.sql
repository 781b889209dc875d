-- Top-N of a result that changes, without the rank.
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
SELECT way, total FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY total DESC) AS rn FROM (SELECT way, order_id, SUM(paid) AS total FROM payments GROUP BY way, order_id)) WHERE rn <= 3 AND total IS NOT NULL;
