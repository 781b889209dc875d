-- Rows taken back too late leave the window as it was
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','scan.watermark.emit.strategy'='on-event','format'='debezium-json');
SELECT window_start, COUNT(*), SUM(balance) FROM TABLE(TUMBLE(TABLE accounts, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
