-- FIRST_VALUE and LAST_VALUE over changes
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT city, LISTAGG(name) FROM accounts WHERE name IS NOT NULL AND city = 'bern' GROUP BY city;
