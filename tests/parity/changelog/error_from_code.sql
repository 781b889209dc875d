-- A code without a meaning ends the job
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops_short.json','format'='json');
SELECT * FROM FROM_CHANGELOG(input => TABLE ops, op_mapping => MAP['c,r', 'INSERT', 'ub', 'UPDATE_BEFORE', 'ua', 'UPDATE_AFTER', 'd', 'DELETE']);
