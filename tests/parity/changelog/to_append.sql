-- TO_CHANGELOG of new rows
CREATE TABLE ops (kind STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
SELECT * FROM TO_CHANGELOG(input => TABLE ops);
