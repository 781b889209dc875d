-- ASCII, CHR, base64, ENCODE and DECODE, URL coding, JSON quoting.
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
  CHR(n + 64) AS chr_,
  CHR(353) AS chr_big,
  TO_BASE64(s) AS base64,
  FROM_BASE64(TO_BASE64(s)) AS back,
  ENCODE(s, 'UTF-16BE') AS encoded,
  DECODE(ENCODE(s, 'UTF-8'), 'UTF-8') AS decoded,
  DECODE(ENCODE(s, 'US-ASCII'), 'US-ASCII') AS ascii_only,
  URL_ENCODE(s) AS url,
  URL_DECODE(URL_ENCODE(s)) AS url_back,
  URL_DECODE('a%20b+c%3D') AS url_lit,
  JSON_QUOTE(s) AS quoted,
  JSON_UNQUOTE(JSON_QUOTE(s)) AS unquoted
FROM strings;
