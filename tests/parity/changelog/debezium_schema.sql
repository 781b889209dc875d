-- The payload beside its schema
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_schema.json','format'='debezium-json', 'debezium-json.schema-include'='true');
SELECT id, balance FROM accounts;
