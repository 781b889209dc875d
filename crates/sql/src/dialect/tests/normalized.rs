//! What normalisation makes of queries.

use super::super::{normalize, normalize_expr, parse_expr, parse_query};

fn normalized(sql: &str) -> String {
    let mut query = parse_query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    normalize(&mut query);
    query.to_string()
}

fn normalized_expr(sql: &str) -> String {
    let mut expr = parse_expr(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    normalize_expr(&mut expr);
    expr.to_string()
}

#[test]
fn columns_are_named_as_flink_names_them() {
    for (sql, result) in [
        ("SELECT a, t.b, t.r.f FROM t", "SELECT a, t.b AS `b`, t.r.f AS `f` FROM t"),
        ("SELECT a, f(a), (a) FROM t", "SELECT a, f(a) AS `EXPR$1`, (a) AS `a0` FROM t"),
        ("SELECT a, a, b AS a FROM t", "SELECT a, a AS `a0`, b AS a1 FROM t"),
        ("SELECT a AS x, b AS x, c AS x0 FROM t", "SELECT a AS x, b AS x0, c AS x00 FROM t"),
        ("SELECT *, a + b FROM t", "SELECT *, a + b AS `EXPR$1` FROM t"),
        ("SELECT t.a FROM t UNION ALL SELECT u.b FROM u", "SELECT t.a AS `a` FROM t UNION ALL SELECT u.b AS `b` FROM u"),
        ("SELECT * FROM (SELECT f(a) FROM t)", "SELECT * FROM (SELECT f(a) AS `EXPR$0` FROM t)"),
        ("SELECT * FROM (VALUES ('a', 'b'))", "SELECT * FROM (VALUES ('a', 'b')) AS `$values` (`EXPR$0`, `EXPR$1`)"),
        ("SELECT * FROM (VALUES ('a')) AS t", "SELECT * FROM (VALUES ('a')) AS t (`EXPR$0`)"),
        ("SELECT * FROM (VALUES ('a')) AS t(x)", "SELECT * FROM (VALUES ('a')) AS t (x)"),
        ("VALUES ('a', 'b')", "SELECT * FROM (VALUES ('a', 'b')) AS `$values` (`EXPR$0`, `EXPR$1`)"),
        ("WITH v AS (VALUES ('a')) SELECT x FROM v", "WITH v (`EXPR$0`) AS (VALUES ('a')) SELECT x FROM v"),
    ] {
        assert_eq!(normalized(sql), result, "{sql}");
    }
}

#[test]
fn numbers_have_flinks_types() {
    for (sql, result) in [
        ("1", "CAST(1 AS INT)"),
        ("2147483647", "CAST(2147483647 AS INT)"),
        ("2147483648", "2147483648"),
        ("-2147483648", "CAST(-2147483648 AS INT)"),
        ("-2147483649", "-2147483649"),
        ("-(5)", "-(CAST(5 AS INT))"),
        ("- -5", "-CAST(-5 AS INT)"),
        ("a - 1", "a - CAST(1 AS INT)"),
        ("1.5", "CAST(1.5 AS DECIMAL(2,1))"),
        ("0.908", "CAST(0.908 AS DECIMAL(4,3))"),
        ("-1.5", "CAST(-1.5 AS DECIMAL(2,1))"),
        ("1e0", "CAST('1e0' AS DOUBLE)"),
        ("-1.5E-3", "CAST('-1.5E-3' AS DOUBLE)"),
        ("CAST(3 AS DECIMAL(5, 1))", "CAST(CAST(3 AS INT) AS $flink(DECIMAL(5, 1)))"),
        ("arr[1]", "arr[CAST(1 AS INT)]"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
    ] {
        assert_eq!(normalized_expr(sql), result, "{sql}");
    }
}

#[test]
fn numbers_that_are_no_values_stay() {
    for sql in [
        "SELECT a FROM t ORDER BY 1 LIMIT 10 OFFSET 5",
        "SELECT SUM(a) OVER (ORDER BY b ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS s FROM t",
        "SELECT SUM(a) OVER w AS s FROM t WINDOW w AS (ORDER BY b ROWS BETWEEN 2 PRECEDING AND 3 FOLLOWING)",
    ] {
        assert_eq!(normalized(sql), sql);
    }
    assert_eq!(normalized("SELECT a FROM t FETCH FIRST 5 ROWS ONLY"), "SELECT a FROM t LIMIT 5");
    assert_eq!(normalized("SELECT a FROM t OFFSET 2 ROWS FETCH NEXT ROW ONLY"), "SELECT a FROM t LIMIT 1 OFFSET 2 ROWS");
    assert_eq!(normalized("SELECT a FROM t ORDER BY a + 1"), "SELECT a FROM t ORDER BY a + CAST(1 AS INT)");
}

#[test]
fn special_forms_become_calls() {
    for (sql, result) in [
        ("FLOOR(ts TO minute)", "floor_to(ts, 'MINUTE')"),
        ("CEIL(ts TO SQL_TSI_DAY)", "ceil_to(ts, 'DAY')"),
        ("CEILING(x)", "ceil(x)"),
        ("EXTRACT(HOUR FROM ts)", "extract('HOUR', ts)"),
        ("TIMESTAMPDIFF(SECOND, a, b)", "timestampdiff('SECOND', a, b)"),
        ("TIMESTAMPADD(SQL_TSI_DAY, n, a)", "timestampadd('DAY', n, a)"),
        ("POSITION('a' IN b || c)", "position('a', b || c)"),
        ("TRIM(a)", "trim('BOTH', ' ', a)"),
        ("TRIM(LEADING 'x' FROM a)", "trim('LEADING', 'x', a)"),
        ("TRIM(TRAILING FROM a)", "trim('TRAILING', ' ', a)"),
        ("SUBSTRING(a FROM b FOR c)", "substring(a, b, c)"),
        ("SUBSTR(a, b)", "substring(a, b)"),
        ("OVERLAY(a PLACING b FROM c FOR d)", "overlay(a, b, c, d)"),
        ("MAP['a', b]", "map('a', b)"),
        ("x IS NOT JSON OBJECT", "NOT is_json(x, 'OBJECT')"),
        ("x IS JSON AND y", "is_json(x, 'VALUE') AND y"),
        ("JSON_EXISTS(x, '$.a')", "json_exists(x, '$.a', 'FALSE')"),
        ("JSON_VALUE(x, '$.a')", "json_value(x, '$.a', 'NULL', NULL, 'NULL', NULL, CAST(NULL AS $flink(STRING)))"),
        (
            "JSON_VALUE(x, '$.a' RETURNING BIGINT DEFAULT b ON EMPTY ERROR ON ERROR)",
            "json_value(x, '$.a', 'DEFAULT', b, 'ERROR', NULL, CAST(NULL AS $flink(BIGINT)))",
        ),
        (
            "JSON_QUERY(x, '$.a' WITH WRAPPER EMPTY ARRAY ON ERROR)",
            "json_query(x, '$.a', 'UNCONDITIONAL', 'NULL', 'EMPTY ARRAY', CAST(NULL AS $flink(STRING)))",
        ),
        ("JSON_OBJECT(KEY 'k' VALUE v ABSENT ON NULL)", "json_object('ABSENT', 'k', v)"),
        ("JSON_ARRAY(a, b)", "json_array('ABSENT', a, b)"),
        ("JSON_OBJECTAGG(k VALUE v)", "json_objectagg(k, v, 'NULL')"),
        ("(a, b)", "row(a, b)"),
        ("(a, b) OVERLAPS (c, d)", "overlaps(a, b, c, d)"),
        ("a BETWEEN SYMMETRIC b AND c", "(a BETWEEN b AND c OR a BETWEEN c AND b)"),
        ("NOT a NOT BETWEEN ASYMMETRIC b AND c AND d", "NOT NOT a BETWEEN b AND c AND d"),
        ("U&'\\00e9'", "'é'"),
        ("N'x'", "'x'"),
        ("CAST(x AS ROW<a INT NOT NULL>)", "CAST(x AS $flink(ROW<`a` INT NOT NULL>))"),
    ] {
        assert_eq!(normalized_expr(sql), result, "{sql}");
    }
}

#[test]
fn intervals_have_one_form() {
    for (sql, result) in [
        ("INTERVAL '5' SECOND", "INTERVAL '5 seconds'"),
        ("INTERVAL '1.25' SECOND(3)", "INTERVAL '1.250 seconds'"),
        ("INTERVAL '1' DAY", "INTERVAL '1 days'"),
        ("INTERVAL '24' HOURS", "INTERVAL '1 days'"),
        ("INTERVAL '90' MINUTE", "INTERVAL '5400 seconds'"),
        ("INTERVAL '1:30' HOUR TO MINUTE", "INTERVAL '5400 seconds'"),
        ("INTERVAL '1 10:00:00.5' DAY TO SECOND", "INTERVAL '1 days 36000.500 seconds'"),
        ("INTERVAL '1 10' DAY TO HOUR", "INTERVAL '1 days 36000 seconds'"),
        ("INTERVAL '-1 10' DAY TO HOUR", "INTERVAL '-1 days -36000 seconds'"),
        ("-INTERVAL '1 10' DAY TO HOUR", "INTERVAL '-1 days -36000 seconds'"),
        ("INTERVAL -'0.5' SECOND", "INTERVAL '-0.500 seconds'"),
        ("- INTERVAL -'1' YEAR", "INTERVAL '12 months'"),
        ("INTERVAL '1-2' YEAR TO MONTH", "INTERVAL '14 months'"),
        ("INTERVAL '2' WEEK", "INTERVAL '14 days'"),
        ("INTERVAL '1' QUARTER", "INTERVAL '3 months'"),
        ("INTERVAL 3 DAY", "INTERVAL '3 days'"),
        ("INTERVAL '0' SECOND", "INTERVAL '0 seconds'"),
    ] {
        assert_eq!(normalized_expr(sql), result, "{sql}");
    }
}

#[test]
fn groups_in_parentheses_are_several_keys() {
    assert_eq!(normalized("SELECT a FROM t GROUP BY (a, b), c"), "SELECT a FROM t GROUP BY a, b, c");
}
