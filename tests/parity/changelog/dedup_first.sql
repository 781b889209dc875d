-- The first row of each city by event time, over changes
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT id, city, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY city ORDER BY ts) AS rn FROM accounts) WHERE rn = 1;
