-- ON CONFLICT is for updates
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
CREATE TABLE up (city STRING, total BIGINT, PRIMARY KEY (city) NOT ENFORCED) WITH ('connector'='blackhole');
EXPLAIN INSERT INTO up SELECT name, n FROM ops ON CONFLICT DO DEDUPLICATE;
