-- The two greatest rates of each currency, as a lateral Top-N.
CREATE TABLE rates (cur STRING, rate INT, src STRING, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/rates.json', 'format' = 'json');
SELECT cur, rate, src FROM (SELECT DISTINCT cur FROM rates) AS c, LATERAL (SELECT rate, src FROM rates WHERE cur = c.cur ORDER BY rate DESC LIMIT 2);
