CREATE TABLE sink (k INT, n BIGINT, total BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO sink SELECT k, COUNT(*), SUM(v) FROM numbers GROUP BY k;
