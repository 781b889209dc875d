-- ORDER BY with LIMIT over changes
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT id, balance FROM accounts ORDER BY balance DESC, id LIMIT 3;
