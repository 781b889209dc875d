-- Rows without a partner, over changes
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), PRIMARY KEY (id) NOT ENFORCED) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
CREATE TABLE cities (city STRING, country STRING, PRIMARY KEY (city) NOT ENFORCED) WITH ('connector'='filesystem','path'='${DATA}/cities_debezium.json','format'='debezium-json');
SELECT a.id, a.city, c.country FROM accounts a LEFT JOIN cities c ON a.city = c.city;
