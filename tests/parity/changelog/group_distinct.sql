-- Distinct values that come and go
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT city, COUNT(DISTINCT balance), SUM(DISTINCT balance) FILTER (WHERE balance > 20) FROM accounts GROUP BY city;
