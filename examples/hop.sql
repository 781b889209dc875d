-- Departures of the last six hours at each airport, renewed every hour, of one stormy day. Reads the data of departures.sql and
-- cuts it down before the windows.
--
--   flott run examples/hop.sql

CREATE TABLE departures (
  scheduled   TIMESTAMP(3),
  airline     STRING,
  flight      INT,
  origin      STRING,
  destination STRING,
  delay_min   INT,
  arrival_delay_min INT,
  distance_miles INT,
  WATERMARK FOR scheduled AS scheduled - INTERVAL '8' HOUR
) WITH (
  'connector' = 'filesystem',
  'path' = 'examples/data/departures/departures.csv.gz',
  'format' = 'csv',
  'csv.null-literal' = '',
  'scan.watermark.emit.strategy' = 'on-event'
);

CREATE VIEW stormy AS
SELECT * FROM departures
WHERE scheduled >= TIMESTAMP '2013-05-23 12:00:00' AND scheduled < TIMESTAMP '2013-05-24 00:00:00' AND origin = 'LGA';

SELECT window_start, window_end, origin, COUNT(*) AS flights, ROUND(AVG(CAST(delay_min AS DOUBLE)), 1) AS delay_min_avg
FROM TABLE(HOP(TABLE stormy, DESCRIPTOR(scheduled), INTERVAL '1' HOUR, INTERVAL '6' HOUR))
GROUP BY window_start, window_end, origin;
