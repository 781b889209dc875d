-- Changes of maxwell-json
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_maxwell.json','format'='maxwell-json');
SELECT * FROM accounts;
