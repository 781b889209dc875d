-- A record that is no JSON ends the job
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/debezium_bad.json','format'='debezium-json');
SELECT * FROM accounts;
