-- Aggregates that take rows back
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT city, COUNT(*), COUNT(balance), SUM(balance), MIN(balance), MAX(balance), AVG(balance) FROM accounts GROUP BY city;
