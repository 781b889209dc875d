-- Truth tables of AND, OR, NOT and the IS predicates with unknown.
SELECT
  a, b, a AND b AS and_, a OR b AS or_, NOT a AS not_, a = b AS eq, a <> b AS ne,
  a IS TRUE AS is_true, a IS NOT TRUE AS is_not_true, a IS FALSE AS is_false, a IS NOT FALSE AS is_not_false,
  a IS UNKNOWN AS is_unknown, a IS NOT UNKNOWN AS is_not_unknown, a IS NULL AS is_null, a IS NOT NULL AS is_not_null,
  a IS DISTINCT FROM b AS distinct_from, a IS NOT DISTINCT FROM b AS not_distinct
FROM (VALUES (TRUE, TRUE), (TRUE, FALSE), (FALSE, TRUE), (FALSE, FALSE),
  (TRUE, CAST(NULL AS BOOLEAN)), (FALSE, CAST(NULL AS BOOLEAN)), (CAST(NULL AS BOOLEAN), TRUE),
  (CAST(NULL AS BOOLEAN), FALSE), (CAST(NULL AS BOOLEAN), CAST(NULL AS BOOLEAN))) AS v(a, b);
