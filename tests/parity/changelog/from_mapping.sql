-- Several codes for one kind of change
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
SELECT * FROM FROM_CHANGELOG(input => TABLE ops, op_mapping => MAP['INSERT, UPDATE_AFTER', 'INSERT', 'DELETE, UPDATE_BEFORE', 'DELETE']);
