-- Many common words are reserved and need backticks as an alias.
SELECT 1 AS one;
