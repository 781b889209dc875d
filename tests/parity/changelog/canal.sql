-- Several rows in a message, and old values only of what changed
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_canal.json','format'='canal-json');
SELECT * FROM accounts;
