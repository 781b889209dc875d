-- EXTRACT of units below the millisecond.
CREATE TABLE times (
  id INT,
  ts TIMESTAMP(3),
  ts9 TIMESTAMP(9),
  d DATE,
  t TIME(0),
  ltz TIMESTAMP_LTZ(3),
  epoch BIGINT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/times.json',
  'format' = 'json'
);
SELECT
  id,
  EXTRACT(MICROSECOND FROM ts9) AS micro_,
  EXTRACT(NANOSECOND FROM ts9) AS nano_
FROM times;
