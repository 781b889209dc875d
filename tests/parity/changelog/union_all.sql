-- UNION ALL of changes and of new rows
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
SELECT id, name FROM accounts UNION ALL SELECT id, city FROM accounts WHERE balance > 50 UNION ALL SELECT id, name FROM ops;
