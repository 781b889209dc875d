-- LPAD, RPAD, REPEAT, REVERSE, REPLACE and TRANSLATE.
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
  LPAD(s, 8, '*-') AS lpad_,
  LPAD(s, 3, '*') AS lpad_short,
  LPAD(s, n, '*') AS lpad_n,
  LPAD(s, 20, '') AS lpad_empty,
  RPAD(s, 8, '*-') AS rpad_,
  RPAD(s, n, '.') AS rpad_n,
  REPEAT(t, 3) AS repeat_,
  REPEAT(t, n) AS repeat_n,
  REVERSE(s) AS reverse_,
  REPLACE(s, t, '<>') AS replace_,
  REPLACE(s, 'o', '') AS replace_lit,
  TRANSLATE(s, 'lo,', 'L0') AS translate_
FROM strings;
