-- DISTINCT counts as an aggregation, whose result may change
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
CREATE TABLE plain (name STRING) WITH ('connector'='filesystem','path'='/tmp/flott-parity-never','format'='json');
EXPLAIN INSERT INTO plain SELECT DISTINCT name FROM ops;
