-- JSON_OBJECT, JSON_ARRAY and JSON_STRING.
CREATE TABLE numbers (
  id INT,
  ti TINYINT,
  si SMALLINT,
  i INT,
  bi BIGINT,
  f FLOAT,
  d DOUBLE,
  `dec` DECIMAL(10, 2),
  wide DECIMAL(38, 18)
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/numbers.json',
  'format' = 'json'
);
SELECT
  id,
  JSON_OBJECT('id' VALUE id, 'dec' VALUE `dec`, 'd' VALUE d) AS obj,
  JSON_OBJECT('i' VALUE i ABSENT ON NULL) AS obj_absent,
  JSON_OBJECT('in' VALUE JSON_OBJECT('b' VALUE TRUE)) AS obj_nested,
  JSON_ARRAY(id, i, 'x') AS arr,
  JSON_ARRAY(id, i NULL ON NULL) AS arr_null,
  JSON_STRING(i) AS str_,
  JSON_STRING('a"b') AS str_text
FROM numbers
WHERE id IN (1, 2, 5, 6);
