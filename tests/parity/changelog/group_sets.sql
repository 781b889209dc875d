-- Grouping sets over changes
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT city, name, COUNT(*), SUM(balance) FROM accounts GROUP BY GROUPING SETS ((city), (name), ());
