CREATE TABLE sink (k INT, v BIGINT, ts TIMESTAMP(3)) WITH ('connector' = 'blackhole');
INSERT INTO sink SELECT k, v, ts FROM numbers;
