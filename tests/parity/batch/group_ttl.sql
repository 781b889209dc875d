-- Nothing is forgotten before the end, whatever the options say.
SET 'execution.runtime-mode' = 'batch';
SET 'table.exec.state.ttl' = '1 ms';
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
SELECT /*+ STATE_TTL('ops' = '1 ms') */ name, COUNT(*) AS c, SUM(n) AS s FROM ops GROUP BY name;
