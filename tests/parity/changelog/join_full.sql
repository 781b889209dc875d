-- Both sides may lack a partner
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
CREATE TABLE cities (city STRING, country STRING, PRIMARY KEY (city) NOT ENFORCED) WITH ('connector'='filesystem','path'='${DATA}/cities_debezium.json','format'='debezium-json');
SELECT a.id, c.city, c.country FROM accounts a FULL JOIN cities c ON a.city = c.city AND a.balance > 60;
