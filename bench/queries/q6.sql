CREATE TABLE sink (seller BIGINT, average BIGINT) WITH ('connector' = 'blackhole');
CREATE VIEW sold AS
SELECT A.id, A.seller, B.price, B.`dateTime`
FROM auction A, bid B
WHERE A.id = B.auction AND B.`dateTime` BETWEEN A.`dateTime` AND A.`dateTime` + INTERVAL '1' MINUTE AND B.`dateTime` <= A.expires;
CREATE VIEW winning AS
SELECT seller, final, window_time AS closed
FROM (
  SELECT window_start, window_end, window_time, id, seller, price AS final,
    ROW_NUMBER() OVER (PARTITION BY window_start, window_end, id ORDER BY price DESC) AS rownum
  FROM TABLE(TUMBLE(TABLE sold, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
)
WHERE rownum <= 1;
INSERT INTO sink
SELECT seller, AVG(final) OVER (PARTITION BY seller ORDER BY closed ROWS BETWEEN 10 PRECEDING AND CURRENT ROW)
FROM winning;
