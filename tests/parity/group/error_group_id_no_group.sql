-- GROUP_ID() without an aggregation.
SELECT GROUP_ID(), a FROM (VALUES (5)) AS t(a);
