-- Records that are wrong are passed over
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/debezium_bad.json','format'='debezium-json', 'debezium-json.ignore-parse-errors'='true');
SELECT * FROM accounts;
