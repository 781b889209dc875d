-- Rows made inside of the engine: no reading, no decoding. A thousand keys.
CREATE TABLE numbers (
  k INT,
  v BIGINT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'datagen',
  'rows-per-second' = '1000000000',
  'number-of-rows' = '${ROWS}',
  'fields.k.min' = '0',
  'fields.k.max' = '999',
  'fields.v.min' = '0',
  'fields.v.max' = '1000000'
);
