-- The same with their places
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT id, city, balance, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY city ORDER BY balance DESC, id) AS rn FROM accounts) WHERE rn <= 2;
