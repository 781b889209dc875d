-- STATE_TTL for each side of a join, and for the aggregation behind it
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
SELECT name, COUNT(*), SUM(n) FROM (SELECT /*+ STATE_TTL('a' = '1 d', 'b' = '2 h') */ a.name, b.n FROM ops AS a JOIN ops AS b ON a.id = b.id) GROUP BY name;
