-- The key of the query is not written
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), PRIMARY KEY (id) NOT ENFORCED) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
CREATE TABLE up (city STRING, total BIGINT, PRIMARY KEY (city) NOT ENFORCED) WITH ('connector'='blackhole');
EXPLAIN INSERT INTO up SELECT city, total FROM (SELECT id, MAX(city) AS city, SUM(balance) AS total FROM accounts GROUP BY id);
