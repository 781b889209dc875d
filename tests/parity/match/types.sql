-- Values of several types kept over a match.
CREATE TABLE sales (
  id INT,
  region STRING,
  product STRING,
  qty INT,
  small TINYINT,
  `short` SMALLINT,
  total BIGINT,
  weight FLOAT,
  rate DOUBLE,
  price DECIMAL(10, 2),
  `day` DATE,
  sold_at TIMESTAMP(3),
  ok BOOLEAN,
  WATERMARK FOR sold_at AS sold_at - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/sales.json',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event'
);
SELECT *
FROM sales
MATCH_RECOGNIZE (
  PARTITION BY ok
  ORDER BY sold_at
  MEASURES A.small AS small, A.`short` AS `short`, A.total AS total, A.weight AS weight, A.rate AS rate, A.price AS price, A.`day` AS `day`, B.product AS product,
    SUM(A.small) AS s1, SUM(A.weight) AS s2, MIN(A.`day`) AS d, AVG(B.price) AS p, SUM(A.total) AS s3
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A+ B)
  DEFINE
    A AS A.qty IS NULL OR A.qty < 6
) AS T;
