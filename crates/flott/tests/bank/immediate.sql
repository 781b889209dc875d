-- Views that follow every transfer at once.
CREATE TABLE transactions (
  id BIGINT,
  version INT,
  from_account BIGINT,
  to_account BIGINT,
  amount BIGINT,
  ts TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '${PATH}', 'format' = 'csv');
CREATE VIEW accepted_transactions AS
SELECT id, from_account, to_account, amount
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY version DESC) AS rn FROM transactions)
WHERE rn = 1;
CREATE VIEW outer_join AS
SELECT a.id, a.amount, b.amount AS partner FROM accepted_transactions a LEFT JOIN accepted_transactions b ON a.id = b.id;
CREATE VIEW credits AS SELECT to_account AS account, SUM(amount) AS credits, COUNT(*) AS n FROM accepted_transactions GROUP BY to_account;
CREATE VIEW debits AS SELECT from_account AS account, SUM(amount) AS debits, COUNT(*) AS n FROM accepted_transactions GROUP BY from_account;
CREATE VIEW balance AS
SELECT COALESCE(c.account, d.account) AS account, COALESCE(credits, 0) - COALESCE(debits, 0) AS balance
FROM credits c FULL JOIN debits d ON c.account = d.account;
CREATE VIEW total AS SELECT SUM(balance) AS total FROM balance;
-- A Top-N that is large enough for all accounts: what is above it must not see it half done.
CREATE VIEW best AS
SELECT account, credits FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY credits DESC, account) AS rn FROM credits) WHERE rn <= 100;
SELECT 'read' AS `view`, CAST(NULL AS BIGINT) AS w, CAST(NULL AS BIGINT) AS k, COUNT(*) AS a, CAST(NULL AS BIGINT) AS b FROM transactions
UNION ALL SELECT 'accepted', CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), COUNT(*), SUM(amount) FROM accepted_transactions
UNION ALL SELECT 'outer_join', CAST(NULL AS BIGINT), id, amount, partner FROM outer_join
UNION ALL SELECT 'credits', CAST(NULL AS BIGINT), account, credits, n FROM credits
UNION ALL SELECT 'debits', CAST(NULL AS BIGINT), account, debits, n FROM debits
UNION ALL SELECT 'balance', CAST(NULL AS BIGINT), account, balance, CAST(NULL AS BIGINT) FROM balance
UNION ALL SELECT 'total', CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), total, CAST(NULL AS BIGINT) FROM total
UNION ALL SELECT 'best', CAST(NULL AS BIGINT), b.account, b.credits, d.n FROM best b JOIN debits d ON b.account = d.account;
