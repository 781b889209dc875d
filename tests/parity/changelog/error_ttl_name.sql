-- STATE_TTL must name a table of its SELECT
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
SELECT /*+ STATE_TTL('nope'='1d') */ name, COUNT(*) FROM ops GROUP BY name;
