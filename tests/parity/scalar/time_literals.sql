-- Literals of dates, times and timestamps, and their precision.
SELECT DATE '2024-02-29' AS d, TIME '10:11:12' AS t0, TIME '10:11:12.345' AS t3, TIMESTAMP '2024-01-02 03:04:05' AS ts0, TIMESTAMP '2024-01-02 03:04:05.6' AS ts1, TIMESTAMP '2024-01-02 03:04:05.123456789' AS ts9, TIMESTAMP '1969-12-31 23:59:59.999' AS before_epoch, DATE '0001-01-01' AS first_day, DATE '9999-12-31' AS last_day;
