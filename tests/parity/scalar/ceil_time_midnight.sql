-- CEIL of a time may give 24:00:00.
SELECT CEIL(t TO MINUTE) AS c, CEIL(t TO HOUR) AS h FROM (VALUES (TIME '23:59:59'), (TIME '10:00:00'), (TIME '10:00:01')) AS v(t);
