-- Kinds of change without a code are left out
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), PRIMARY KEY (id) NOT ENFORCED) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT kind, id, balance FROM TO_CHANGELOG(input => TABLE accounts, op => DESCRIPTOR(kind), op_mapping => MAP['INSERT,UPDATE_AFTER', 'upsert', 'DELETE', 'del']);
