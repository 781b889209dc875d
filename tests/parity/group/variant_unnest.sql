-- Arrays of VARIANT unnested, their parts taken.
SELECT nr, JSON_STRING(x['k']) AS k FROM (VALUES (1, ARRAY[PARSE_JSON('{"k":[1,2.50]}'), PARSE_JSON('{"z":0}')]), (2, ARRAY[PARSE_JSON('{"k":null}')])) AS t(nr, a) CROSS JOIN UNNEST(a) AS u(x);
