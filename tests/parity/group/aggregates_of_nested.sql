-- Aggregates over fields of nested rows.
CREATE TABLE nested (
  id INT,
  `user` ROW<name STRING, address ROW<city STRING, zip STRING>, age INT>
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/nested.json',
  'format' = 'json'
);
SELECT `user`.address.city AS city, COUNT(*) AS n, MAX(`user`.age) AS age FROM nested GROUP BY `user`.address.city;
