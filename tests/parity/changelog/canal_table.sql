-- Only messages of one table
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_canal.json','format'='canal-json', 'canal-json.table.include'='acc.*', 'canal-json.database.include'='bank');
SELECT * FROM accounts;
