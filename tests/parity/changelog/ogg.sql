-- Changes of ogg-json
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_ogg.json','format'='ogg-json');
SELECT * FROM accounts;
