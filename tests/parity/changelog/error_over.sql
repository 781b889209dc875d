-- OVER takes new rows only
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT id, SUM(balance) OVER (PARTITION BY city ORDER BY ts) FROM accounts;
