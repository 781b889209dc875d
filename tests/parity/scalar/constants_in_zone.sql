-- Constant expressions are computed in the time zone of the session.
SET 'table.local-time-zone' = 'Asia/Tokyo';
SELECT CAST(TO_TIMESTAMP_LTZ(0, 3) AS STRING) AS t, FROM_UNIXTIME(0) AS u, UNIX_TIMESTAMP('1970-01-01 09:00:00') AS z, TO_TIMESTAMP_LTZ(0, 3) AS l, HOUR(TO_TIMESTAMP_LTZ(0, 3)) AS h;
