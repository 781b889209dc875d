-- BITMAP_BUILD_AGG in windows, and their union over all windows.
CREATE TABLE orders (id INT, customer STRING, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.json', 'format' = 'json', 'scan.watermark.emit.strategy' = 'on-event');
SELECT window_start, BITMAP_BUILD_AGG(amount) AS b, BITMAP_BUILD_CARDINALITY_AGG(amount) AS n
FROM TABLE(HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '5' MINUTES, INTERVAL '10' MINUTES)) GROUP BY window_start, window_end;
