-- Half a year of departures from the three airports of New York, in the order in which the planes left the ground. Event time is
-- the scheduled departure: a plane that leaves late is a row that comes out of order, some of them by many hours.
--
--   flott run examples/departures.sql
--
-- The first job writes a line for each hour, airport and airline to target/departures/. The second shows the days on which an
-- airport fell apart. Where the data comes from: examples/data/departures/SOURCE.md.

SET 'table.local-time-zone' = 'America/New_York';

CREATE TABLE departures (
  scheduled   TIMESTAMP(3),
  airline     STRING,
  flight      INT,
  origin      STRING,
  destination STRING,
  delay_min   INT,             -- of the departure; negative: it left early
  arrival_delay_min INT,       -- NULL: it was diverted or nothing is known
  distance_miles INT,
  -- A plane may be three hours late without its hour being closed.
  WATERMARK FOR scheduled AS scheduled - INTERVAL '3' HOUR
) WITH (
  'connector' = 'filesystem',
  'path' = 'examples/data/departures/departures.csv.gz',
  'format' = 'csv',
  'csv.null-literal' = '',
  'scan.watermark.emit.strategy' = 'on-event'
);

CREATE TABLE hourly (
  hour_start  TIMESTAMP(3),
  origin      STRING,
  airline     STRING,
  flights     BIGINT,
  delay_min_avg DOUBLE,
  delay_min_max INT
) WITH (
  'connector' = 'filesystem',
  'path' = 'target/departures',
  'format' = 'json'
);

INSERT INTO hourly
SELECT window_start, origin, airline, COUNT(*), ROUND(AVG(CAST(delay_min AS DOUBLE)), 1), MAX(delay_min)
FROM TABLE(TUMBLE(TABLE departures, DESCRIPTOR(scheduled), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, origin, airline;

SELECT
  DATE_FORMAT(window_start, 'EEE yyyy-MM-dd') AS `day`,
  origin,
  COUNT(*) AS flights,
  ROUND(AVG(CAST(delay_min AS DOUBLE)), 1) AS delay_min_avg,
  COUNT(*) FILTER (WHERE delay_min > 60) AS over_an_hour,
  MAX(delay_min) AS delay_min_max
FROM TABLE(TUMBLE(TABLE departures, DESCRIPTOR(scheduled), INTERVAL '1' DAY))
GROUP BY window_start, window_end, origin
HAVING AVG(CAST(delay_min AS DOUBLE)) > 50;
