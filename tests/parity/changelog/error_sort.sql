-- Sorting by time takes new rows only
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT id FROM accounts ORDER BY ts;
