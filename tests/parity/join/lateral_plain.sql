-- A lateral query without ORDER BY.
CREATE TABLE trades (id INT, cur STRING, amount INT, venue STRING, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.json', 'format' = 'json');
CREATE TABLE rates (cur STRING, rate INT, src STRING, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/rates_nulls.json', 'format' = 'json');
SELECT t.id, x.rate, x.big FROM trades AS t, LATERAL (SELECT r.rate, r.rate > 100 AS big FROM rates AS r WHERE r.cur = t.cur AND r.src <> 'bank') AS x;
