-- REGEXP_COUNT, REGEXP_INSTR, REGEXP_SUBSTR and REGEXP_EXTRACT_ALL.
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
  REGEXP_COUNT(s, '[aeiou]') AS count_,
  REGEXP_COUNT(s, 'foo') AS count_text,
  REGEXP_INSTR(s, 'o+') AS instr_,
  REGEXP_SUBSTR(s, '[aeiou][^aeiou]') AS substr_,
  REGEXP_EXTRACT_ALL(s, '([a-z])o') AS all_,
  REGEXP_EXTRACT_ALL(s, '([a-z])o', 0) AS all0,
  REGEXP_EXTRACT_ALL(s, 'zzz') AS all_none
FROM strings;
