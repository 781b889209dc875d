-- SUBSTRING, SUBSTR, LEFT, RIGHT and OVERLAY with every kind of position.
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
  SUBSTRING(s FROM 2) AS sub_from,
  SUBSTRING(s FROM 2 FOR 3) AS sub_for,
  SUBSTRING(s, 0, 2) AS sub_zero,
  SUBSTRING(s, -3, 2) AS sub_neg,
  SUBSTRING(s, 50) AS sub_far,
  SUBSTRING(s, n) AS sub_column,
  SUBSTRING(s, n, 2) AS sub_column_for,
  SUBSTRING(s, 2, -1) AS sub_negative_length,
  SUBSTR(s, 2, 2) AS substr_,
  LEFT(s, 3) AS left_,
  LEFT(s, n) AS left_n,
  RIGHT(s, 3) AS right_,
  RIGHT(s, n) AS right_n,
  OVERLAY(s PLACING '##' FROM 2) AS overlay_,
  OVERLAY(s PLACING '##' FROM 2 FOR 4) AS overlay_for,
  OVERLAY(s PLACING 'X' FROM n FOR 1) AS overlay_n
FROM strings;
