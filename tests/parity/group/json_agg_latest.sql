-- JSON_ARRAYAGG and JSON_OBJECTAGG over rows that change, with NULL and ABSENT ON NULL.
CREATE TABLE changes (
  n INT,
  k STRING,
  g STRING,
  v INT,
  d DECIMAL(10, 2),
  s STRING,
  gone BOOLEAN
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/changes.json',
  'format' = 'json'
);
CREATE VIEW latest AS
SELECT k, g, v, d, s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY n DESC) AS rn FROM changes)
WHERE rn = 1 AND NOT gone;
SELECT g, COUNT(*) AS n, JSON_OBJECTAGG(KEY k VALUE v ABSENT ON NULL) AS b, JSON_OBJECTAGG(KEY k VALUE d) AS c FROM latest WHERE k IS NOT NULL GROUP BY g;
