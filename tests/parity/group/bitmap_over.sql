-- BITMAP_BUILD_AGG with OVER.
CREATE TABLE orders (id INT, customer STRING, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.json', 'format' = 'json', 'scan.watermark.emit.strategy' = 'on-event');
SELECT id, BITMAP_BUILD_AGG(amount) OVER (PARTITION BY customer ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS b FROM orders;
