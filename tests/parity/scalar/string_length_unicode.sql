-- Lengths and positions count code points, not bytes or UTF-16 units.
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
  CHAR_LENGTH(s) AS len,
  CHARACTER_LENGTH(t) AS len2,
  ASCII(s) AS ascii_,
  ASCII('') AS ascii_empty,
  REVERSE(s) AS reversed,
  SUBSTRING(s, 2, 1) AS second_,
  POSITION(t IN s) AS found,
  RPAD(t, 3, '語') AS padded
FROM strings;
