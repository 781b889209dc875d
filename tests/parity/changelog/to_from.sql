-- Back and forth
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), PRIMARY KEY (id) NOT ENFORCED) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
CREATE VIEW told AS SELECT * FROM TO_CHANGELOG(input => TABLE accounts);
SELECT * FROM FROM_CHANGELOG(input => TABLE told);
