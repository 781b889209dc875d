-- A connector that does not exist.
CREATE TABLE t (i INT) WITH ('connector' = 'no-such-connector');
SELECT * FROM t;
