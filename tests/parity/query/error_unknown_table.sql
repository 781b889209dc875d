-- A table that does not exist.
SELECT * FROM nope;
