-- Functions that count UTF-16 units and may cut a character in two.
SELECT LPAD(s, 3, '*') AS lpad_, RPAD(s, 5, '*') AS rpad_, OVERLAY(s PLACING 'X' FROM 3 FOR 1) AS overlay_, SPLIT(s, '') AS split_, JSON_QUOTE(s) AS quoted FROM (VALUES ('ab😀!'), ('a')) AS v(s);
