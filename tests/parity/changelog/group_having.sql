-- Groups that cease to fulfil HAVING
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT name, COUNT(*) AS c FROM accounts GROUP BY name HAVING COUNT(*) > 1;
