-- Batch mode has no TO_CHANGELOG.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
SELECT * FROM TO_CHANGELOG(input => (SELECT id, name FROM ops));
