-- An aggregation over changes made of rows
CREATE TABLE ops (op STRING, id INT, name STRING, n BIGINT) WITH ('connector'='filesystem','path'='${DATA}/ops.json','format'='json');
SELECT name, SUM(n), COUNT(*) FROM FROM_CHANGELOG(input => TABLE ops) AS t GROUP BY name;
