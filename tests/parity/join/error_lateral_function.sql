-- A table function that is not there.
CREATE TABLE trades (id INT, cur STRING, amount INT, venue STRING, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.json', 'format' = 'json');
CREATE TABLE rates (cur STRING, rate INT, src STRING, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/rates_nulls.json', 'format' = 'json');
SELECT * FROM trades AS t, LATERAL TABLE(explode(t.cur)) AS x (y);
