-- A table of changes with itself
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT a.id, b.id, a.city FROM accounts a JOIN accounts b ON a.city = b.city AND a.id < b.id;
