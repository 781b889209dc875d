-- A join of near times takes new rows only
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT a.id FROM accounts a, accounts b WHERE a.city = b.city AND a.ts BETWEEN b.ts - INTERVAL '5' SECOND AND b.ts;
