-- All values as text, as Canal writes them
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_canal_text.json','format'='canal-json');
SELECT * FROM accounts;
