-- A window function alone passes changes on
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT window_start, id, balance FROM TABLE(TUMBLE(TABLE accounts, DESCRIPTOR(ts), INTERVAL '10' SECOND));
