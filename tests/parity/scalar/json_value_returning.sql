-- JSON_VALUE with RETURNING, ON EMPTY and ON ERROR.
SELECT
  JSON_VALUE(j, '$.a' RETURNING INT) AS a_int, JSON_VALUE(j, '$.b' RETURNING BOOLEAN) AS b_bool, JSON_VALUE(j, '$.d' RETURNING DOUBLE) AS d_double, JSON_VALUE(j, '$.x' NULL ON EMPTY) AS x_null,
  JSON_VALUE(j, '$.x' RETURNING INT DEFAULT 5 ON EMPTY) AS x_five, JSON_VALUE(j, 'strict $.x' DEFAULT 'bad' ON ERROR) AS x_error, JSON_VALUE(j, '$.o') AS object_
FROM (VALUES ('{"a":1,"b":true,"d":2.5,"o":{}}'), ('{"a":-7,"b":false,"d":1e3}'), ('{}')) AS v(j);
