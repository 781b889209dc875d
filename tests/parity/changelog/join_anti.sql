-- NOT EXISTS over changes
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
CREATE TABLE cities (city STRING, country STRING, PRIMARY KEY (city) NOT ENFORCED) WITH ('connector'='filesystem','path'='${DATA}/cities_debezium.json','format'='debezium-json');
SELECT id, city FROM accounts a WHERE NOT EXISTS (SELECT 1 FROM cities c WHERE c.city = a.city);
