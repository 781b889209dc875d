-- A Top-N per window takes new rows only
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','format'='debezium-json');
SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY balance) rn FROM TABLE(TUMBLE(TABLE accounts, DESCRIPTOR(ts), INTERVAL '10' SECOND))) WHERE rn <= 2;
