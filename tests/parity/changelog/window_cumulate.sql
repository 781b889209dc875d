-- The same over windows that grow
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','scan.watermark.emit.strategy'='on-event','format'='debezium-json');
SELECT window_end, city, MIN(balance), COUNT(*) FROM TABLE(CUMULATE(TABLE accounts, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) GROUP BY window_start, window_end, city;
