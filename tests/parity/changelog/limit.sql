-- LIMIT alone over changes: those that came first and are still there
CREATE TABLE accounts (city STRING, country STRING) WITH ('connector'='filesystem','path'='${DATA}/cities_debezium.json','format'='debezium-json');
SELECT * FROM accounts LIMIT 10;
