-- UPPER, LOWER, INITCAP and all forms of trimming.
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
  UPPER(s) AS upper_,
  LOWER(s) AS lower_,
  INITCAP(s) AS initcap_,
  TRIM(s) AS trim_,
  TRIM(BOTH 'h' FROM s) AS trim_both,
  TRIM(LEADING 'f' FROM s) AS trim_leading,
  TRIM(TRAILING 'o' FROM s) AS trim_trailing,
  TRIM(BOTH t FROM s) AS trim_column,
  LTRIM(s) AS ltrim_,
  RTRIM(s) AS rtrim_,
  BTRIM(s) AS btrim_,
  LTRIM(s, 'efh') AS ltrim_chars,
  RTRIM(s, 'lo') AS rtrim_chars,
  BTRIM(s, 'fo ') AS btrim_chars
FROM strings;
