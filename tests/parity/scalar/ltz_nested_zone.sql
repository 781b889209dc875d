-- Zoned timestamps in collections are shown in the time zone of the session.
SET 'table.local-time-zone' = 'America/New_York';
SELECT ARRAY[TO_TIMESTAMP_LTZ(0, 3)] AS a, ROW(TO_TIMESTAMP_LTZ(1720000000, 0), 1) AS r, TO_TIMESTAMP_LTZ(-1, 3) AS t;
