-- A condition over changes: a row may enter and leave
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT id, UPPER(name), balance * 2 FROM accounts WHERE balance > 60 OR city IS NULL;
