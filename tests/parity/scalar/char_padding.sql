-- CHAR pads and VARCHAR cuts in CAST; comparisons do not ignore the padding.
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
  CAST(s AS CHAR(3)) AS c3,
  CAST(s AS VARCHAR(3)) AS v3,
  CHAR_LENGTH(CAST(s AS CHAR(10))) AS c_len,
  CAST(s AS CHAR(6)) = s AS c_eq,
  CAST(t AS CHAR(3)) || '|' AS c_concat
FROM strings;
