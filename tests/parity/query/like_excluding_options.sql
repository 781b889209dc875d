-- LIKE with EXCLUDING OPTIONS and EXCLUDING GENERATED.
CREATE TABLE base (
  id INT,
  i INT,
  twice AS i * 2
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/numbers.json',
  'format' = 'json'
);
CREATE TABLE other (
  twice AS i + 1000
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/sales.json',
  'format' = 'json'
) LIKE base (
  EXCLUDING OPTIONS
  EXCLUDING GENERATED
);
SELECT id, i, twice FROM other WHERE id < 4;
