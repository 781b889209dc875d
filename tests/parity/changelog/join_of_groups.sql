-- A join of aggregations over changes
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
CREATE TABLE cities (city STRING, country STRING, PRIMARY KEY (city) NOT ENFORCED) WITH ('connector'='filesystem','path'='${DATA}/cities_debezium.json','format'='debezium-json');
SELECT a.city, a.n, c.country FROM (SELECT city, COUNT(*) AS n FROM accounts GROUP BY city) a JOIN cities c ON a.city = c.city;
