-- Batch mode reads no tables whose rows change.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3)) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT city, SUM(balance) AS s FROM accounts GROUP BY city;
