-- Changes of debezium-json, with NULLs, updates that change nothing but the time, and keys that come again
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT * FROM accounts;
