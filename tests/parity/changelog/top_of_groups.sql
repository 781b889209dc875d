-- The greatest sums
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT * FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY s DESC, city) AS rn FROM (SELECT city, SUM(balance) AS s FROM accounts GROUP BY city)) WHERE rn <= 2;
