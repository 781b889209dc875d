-- REGEXP, REGEXP_EXTRACT and REGEXP_REPLACE.
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
  REGEXP(s, 'o+') AS has_o,
  REGEXP(s, '^[a-z]+$') AS whole,
  REGEXP(s, t) AS by_column,
  REGEXP_EXTRACT(s, '([a-z])([a-z])') AS extract0,
  REGEXP_EXTRACT(s, '([a-z])([a-z])', 1) AS extract1,
  REGEXP_EXTRACT(s, '([a-z])([a-z])', 2) AS extract2,
  REGEXP_EXTRACT(s, '([a-z])', 9) AS extract9,
  REGEXP_EXTRACT(s, 'zzz(.)', 1) AS no_match,
  REGEXP_EXTRACT(s, '(q)?h', 1) AS optional_group,
  REGEXP_REPLACE(s, '[aeiou]', '*') AS replace_,
  REGEXP_REPLACE(s, '(l)(o)', '$2$1') AS replace_group,
  REGEXP_REPLACE(s, '\d', '#') AS replace_digits,
  REGEXP(s, '\bhello\b') AS word
FROM strings;
