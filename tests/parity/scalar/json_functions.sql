-- JSON_VALUE, JSON_QUERY, JSON_EXISTS and IS JSON.
SELECT
  j, JSON_VALUE(j, '$.a') AS a, JSON_VALUE(j, '$.b.c') AS bc, JSON_VALUE(j, '$.x' DEFAULT 'none' ON EMPTY) AS x_default, JSON_VALUE(j, 'lax $.x' DEFAULT 'none' ON EMPTY) AS x_lax, JSON_VALUE(j, 'lax $.arr[1]') AS arr1,
  JSON_QUERY(j, '$.b') AS b, JSON_QUERY(j, '$.arr') AS arr, JSON_QUERY(j, '$.a' WITH WRAPPER) AS wrapped, JSON_EXISTS(j, '$.a') AS has_a, JSON_EXISTS(j, '$.arr[5]') AS has_arr5,
  j IS JSON AS is_json, j IS JSON OBJECT AS is_object, j IS JSON ARRAY AS is_array, j IS JSON SCALAR AS is_scalar, j IS NOT JSON AS not_json
FROM (VALUES ('{"a":1,"b":{"c":"d"},"arr":[1,"two",null]}'), ('{"a":"x"}'), ('{"a":null}'), ('[1,2]'), ('"s"'), ('1.5'), ('true'), ('{bad'), (''), (CAST(NULL AS STRING))) AS v(j);
