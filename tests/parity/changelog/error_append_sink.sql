-- A sink that takes new rows only
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
CREATE TABLE plain (name STRING, n BIGINT) WITH ('connector'='filesystem','path'='/tmp/flott-parity-never','format'='json');
EXPLAIN INSERT INTO plain SELECT name, SUM(n) FROM ops GROUP BY name;
