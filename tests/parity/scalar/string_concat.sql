-- Concatenation with NULL: || and CONCAT give NULL, CONCAT_WS leaves it out.
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
  s || '-' || t AS pipes,
  CONCAT(s, t) AS concat_,
  CONCAT('<', s, '>') AS concat_three,
  CONCAT_WS('|', s, t, 'end') AS concat_ws_,
  CONCAT_WS(t, 'a', 'b') AS concat_ws_sep,
  CONCAT_WS(CAST(NULL AS STRING), 'a', 'b') AS concat_ws_null,
  CONCAT(CAST('a' AS CHAR(3)), '|') AS concat_char,
  'n=' || CAST(n AS STRING) AS mixed
FROM strings;
