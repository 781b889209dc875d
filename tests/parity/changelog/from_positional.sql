-- Arguments by place
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
SELECT id, n FROM FROM_CHANGELOG(TABLE ops, DESCRIPTOR(op));
