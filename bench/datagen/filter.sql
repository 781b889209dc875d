-- One row in ten passes.
CREATE TABLE sink (k INT, v BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO sink SELECT k, v * 2 FROM numbers WHERE k < 100;
