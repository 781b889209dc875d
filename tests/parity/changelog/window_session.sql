-- Sessions count rows that are taken back before they close
CREATE TABLE accounts (id INT, name STRING, city STRING, balance BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('connector'='filesystem','path'='${DATA}/accounts_debezium.json','scan.watermark.emit.strategy'='on-event','format'='debezium-json');
SELECT SESSION_START(ts, INTERVAL '2' SECOND), SESSION_END(ts, INTERVAL '2' SECOND), COUNT(*), SUM(balance) FROM accounts GROUP BY SESSION(ts, INTERVAL '2' SECOND);
