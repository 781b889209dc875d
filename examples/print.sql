-- Rows made by datagen, counted, and every change of the counts printed as Flink does: -U takes the old row back, +U is the new one.
--
--   flott run examples/print.sql

CREATE TABLE orders (
  id     BIGINT,
  shop   INT,
  amount INT
) WITH (
  'connector' = 'datagen',
  'rows-per-second' = '10',
  'fields.id.kind' = 'sequence',
  'fields.id.start' = '1',
  'fields.id.end' = '20',
  'fields.shop.min' = '1',
  'fields.shop.max' = '3',
  'fields.amount.min' = '1',
  'fields.amount.max' = '100'
);

CREATE TABLE screen (
  shop    INT,
  orders  BIGINT,
  amount  BIGINT,
  PRIMARY KEY (shop) NOT ENFORCED
) WITH (
  'connector' = 'print',
  'print-identifier' = 'shops'
);

INSERT INTO screen
SELECT shop, COUNT(*), SUM(CAST(amount AS BIGINT)) FROM orders GROUP BY shop;
