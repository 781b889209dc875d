-- Views that follow the watermark, next to views that follow every row.
CREATE TABLE transactions (
  id BIGINT,
  version INT,
  from_account BIGINT,
  to_account BIGINT,
  amount BIGINT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${PATH}', 'format' = 'csv', 'scan.watermark.emit.strategy' = 'on-event');
CREATE VIEW credits AS
SELECT window_start, window_end, to_account AS account, SUM(amount) AS credits, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE transactions, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, to_account;
CREATE VIEW debits AS
SELECT window_start, window_end, from_account AS account, SUM(amount) AS debits, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE transactions, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, from_account;
-- A window join.
CREATE VIEW balance AS
SELECT COALESCE(c.window_start, d.window_start) AS window_start, COALESCE(c.account, d.account) AS account,
  COALESCE(credits, 0) - COALESCE(debits, 0) AS balance
FROM credits c FULL JOIN debits d ON c.account = d.account AND c.window_start = d.window_start AND c.window_end = d.window_end;
-- A regular join of the same.
CREATE VIEW regular AS
SELECT COALESCE(credits, 0) - COALESCE(debits, 0) AS balance
FROM credits c FULL JOIN debits d ON c.account = d.account AND c.window_start = d.window_start;
-- What a window closed, beside a count that runs on.
CREATE VIEW beside AS
SELECT c.window_start, c.account, c.credits, r.n
FROM credits c JOIN (SELECT to_account, COUNT(*) AS n FROM transactions GROUP BY to_account) r ON c.account = r.to_account;
-- Pairs of a transfer with itself: what they differ by is nothing, however many there are.
CREATE VIEW pairs AS
SELECT a.amount AS left_amount, b.amount AS right_amount
FROM transactions a JOIN transactions b
  ON a.id = b.id AND a.version = b.version AND b.ts BETWEEN a.ts - INTERVAL '20' SECOND AND a.ts + INTERVAL '20' SECOND;
SELECT 'read' AS `view`, CAST(NULL AS BIGINT) AS w, CAST(NULL AS BIGINT) AS k, COUNT(*) AS a, CAST(NULL AS BIGINT) AS b FROM transactions
UNION ALL SELECT 'window_credits', CAST(TIMESTAMPDIFF(SECOND, TIMESTAMP '2024-05-01 00:00:00', window_start) AS BIGINT), account, credits, n FROM credits
UNION ALL SELECT 'window_debits', CAST(TIMESTAMPDIFF(SECOND, TIMESTAMP '2024-05-01 00:00:00', window_start) AS BIGINT), account, debits, n FROM debits
UNION ALL SELECT 'window_balance', CAST(TIMESTAMPDIFF(SECOND, TIMESTAMP '2024-05-01 00:00:00', window_start) AS BIGINT), account, balance,
  CAST(NULL AS BIGINT) FROM balance
UNION ALL SELECT 'window_total', CAST(TIMESTAMPDIFF(SECOND, TIMESTAMP '2024-05-01 00:00:00', window_start) AS BIGINT), CAST(NULL AS BIGINT),
  SUM(balance), CAST(NULL AS BIGINT) FROM balance GROUP BY window_start
UNION ALL SELECT 'regular_total', CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), SUM(balance), CAST(NULL AS BIGINT) FROM regular
UNION ALL SELECT 'beside', CAST(TIMESTAMPDIFF(SECOND, TIMESTAMP '2024-05-01 00:00:00', window_start) AS BIGINT), account, credits, n FROM beside
UNION ALL SELECT 'difference', CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), SUM(left_amount) - SUM(right_amount), CAST(NULL AS BIGINT) FROM pairs;
