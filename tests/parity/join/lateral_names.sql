-- Names for the columns of a lateral query, and a star.
CREATE TABLE trades (id INT, cur STRING, amount INT, venue STRING, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.json', 'format' = 'json');
CREATE TABLE rates (cur STRING, rate INT, src STRING, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/rates_nulls.json', 'format' = 'json');
SELECT * FROM trades AS t CROSS JOIN LATERAL (SELECT rate, src FROM rates WHERE rates.cur = t.cur AND rates.src = t.venue) AS x (price, origin);
