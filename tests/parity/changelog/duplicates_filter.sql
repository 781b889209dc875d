-- A condition behind the cleaning
SET 'table.exec.source.cdc-events-duplicate' = 'true';
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), PRIMARY KEY (id) NOT ENFORCED) WITH ('connector'='filesystem','path'='${DATA}/accounts_replayed.json','format'='debezium-json');
SELECT id, name FROM accounts WHERE balance > 50;
