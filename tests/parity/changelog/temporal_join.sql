-- Versions of a table of changes: what held at the time of each row, with deletions and rows that come again
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), PRIMARY KEY (id) NOT ENFORCED, WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
CREATE TABLE probes (id INT, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at`) WITH ('connector'='filesystem','path'='${DATA}/probes.json','format'='json');
SELECT p.id, p.`at`, a.name, a.city, a.balance FROM probes AS p LEFT JOIN accounts FOR SYSTEM_TIME AS OF p.`at` AS a ON p.id = a.id;
