-- POSITION, LOCATE, INSTR, STARTSWITH, ENDSWITH.
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
  POSITION(t IN s) AS position_,
  LOCATE(t, s) AS locate_,
  LOCATE(t, s, 4) AS locate_from,
  INSTR(s, t) AS instr_,
  INSTR(s, t, 2) AS instr_start,
  INSTR(s, t, 1, 2) AS instr_nth,
  INSTR(s, t, -1) AS instr_back,
  STARTSWITH(s, t) AS startswith_,
  STARTSWITH(s, 'h') AS startswith_lit,
  ENDSWITH(s, t) AS endswith_,
  STARTSWITH(s, '') AS empty_start
FROM strings;
