-- A filesystem table without a format.
CREATE TABLE t (i INT) WITH ('connector' = 'filesystem', 'path' = '${DATA}/types.json');
SELECT * FROM t;
