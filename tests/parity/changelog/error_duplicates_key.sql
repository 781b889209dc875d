-- Duplicates are told by a key
SET 'table.exec.source.cdc-events-duplicate' = 'true';
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT * FROM accounts;
