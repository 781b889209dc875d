-- The legacy group window TUMBLE, grouped by a key.
CREATE TABLE sales (
  id INT,
  region STRING,
  product STRING,
  qty INT,
  small TINYINT,
  short SMALLINT,
  total BIGINT,
  weight FLOAT,
  rate DOUBLE,
  price DECIMAL(10, 2),
  `day` DATE,
  sold_at TIMESTAMP(3),
  ok BOOLEAN,
  WATERMARK FOR sold_at AS sold_at - INTERVAL '2' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/sales.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT region, TUMBLE_START(sold_at, INTERVAL '15' SECOND) AS s, TUMBLE_END(sold_at, INTERVAL '15' SECOND) AS e, COUNT(*) AS n, SUM(qty) AS q FROM sales GROUP BY region, TUMBLE(sold_at, INTERVAL '15' SECOND);
