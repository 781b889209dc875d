-- The raw format gives one row per line.
CREATE TABLE lines (
  line STRING
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/lines.txt',
  'format' = 'raw'
);
SELECT line, CHAR_LENGTH(line) AS n FROM lines;
