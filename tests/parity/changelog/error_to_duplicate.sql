-- The column is there already
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
SELECT * FROM TO_CHANGELOG(input => TABLE ops);
