-- A lateral Top-N of another table than the one before it.
CREATE TABLE trades (id INT, cur STRING, amount INT, venue STRING, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.json', 'format' = 'json');
CREATE TABLE rates (cur STRING, rate INT, src STRING, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/rates.json', 'format' = 'json');
SELECT c.cur, t.rate, t.src FROM (SELECT DISTINCT cur FROM trades) AS c, LATERAL (SELECT rate, src FROM rates AS r WHERE r.cur = c.cur ORDER BY rate DESC LIMIT 2) AS t;
