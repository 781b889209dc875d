-- The group windows of old over changes
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','scan.watermark.emit.strategy'='on-event','format'='debezium-json');
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND), city, COUNT(*), SUM(balance) FROM accounts GROUP BY TUMBLE(ts, INTERVAL '10' SECOND), city;
