-- SPLIT_INDEX, SPLIT, STR_TO_MAP, ELT and PRINTF.
CREATE TABLE strings (
  id INT,
  s STRING,
  t STRING,
  n INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/strings.json',
  'format' = 'json'
);
SELECT
  id,
  SPLIT_INDEX(s, ',', 0) AS first_,
  SPLIT_INDEX(s, ',', 2) AS third_,
  SPLIT_INDEX(s, ',', 3) AS fourth,
  SPLIT_INDEX(s, ',', 4) AS fifth,
  SPLIT_INDEX(s, ',', -1) AS negative,
  SPLIT_INDEX(s, 'oo', 1) AS by_text,
  SPLIT_INDEX(s, 44, 0) AS by_code,
  SPLIT_INDEX(s, t, 1) AS by_column,
  SPLIT(s, ',') AS array_,
  SPLIT(s, '') AS array_chars,
  STR_TO_MAP('a=1,b=2,c') AS map_,
  STR_TO_MAP('a:1;b:2', ';', ':') AS map_delimiters,
  ELT(n, 'one', 'two', 'three') AS elt_,
  PRINTF('%s/%d', t, n) AS printf_
FROM strings;
