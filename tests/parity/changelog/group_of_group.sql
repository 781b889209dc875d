-- An aggregation of an aggregation
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT c, COUNT(*), MAX(s) FROM (SELECT city, COUNT(*) AS c, SUM(balance) AS s FROM accounts GROUP BY city) GROUP BY c;
