-- A window aggregation counts rows that are taken back before it closes
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','scan.watermark.emit.strategy'='on-event','format'='debezium-json');
SELECT window_start, window_end, city, COUNT(*), SUM(balance) FROM TABLE(TUMBLE(TABLE accounts, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, city;
