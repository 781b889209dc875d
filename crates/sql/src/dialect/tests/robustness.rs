//! No input makes the parser panic, overflow the stack or run for long.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sqlparser::ast::Query;

use super::super::{Statement, normalize, parse_expr, parse_query, parse_script, parse_type};

/// Parses on a thread with a small stack, as a test or a server has it, and walks what comes out.
fn on_small_stack(sql: String) -> usize {
    let walk = move || {
        let mut errors = 0;
        for result in parse_script(&sql) {
            match result {
                Ok(parsed) => {
                    if let Statement::Query(mut query) = parsed.statement {
                        normalize(&mut query);
                        let again: Box<Query> = query.clone();
                        assert_eq!(again.to_string(), query.to_string());
                    }
                }
                Err(error) => {
                    assert!(sql.get(error.range.clone()).is_some(), "{sql}: {error:?}");
                    assert!(!error.message.is_empty());
                    errors += 1;
                }
            }
        }
        errors
    };
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(|| crate::stack::deep(walk)).unwrap();
    let errors = thread.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "took {:?}", start.elapsed());
    errors
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = 10_000;
    let open_close = [
        ("SELECT ", "(", "1", ")"),
        ("SELECT * FROM ", "(", "t", ")"),
        ("SELECT * FROM ", "(SELECT * FROM ", "t", ")"),
        ("SELECT ", "f(", "1", ")"),
        ("SELECT ", "CAST(", "1", " AS INT)"),
        ("SELECT ", "ARRAY[", "1", "]"),
        ("SELECT ", "CASE WHEN ", "1", " THEN 1 END"),
        ("SELECT ", "NOT ", "1", ""),
        ("SELECT ", "- ", "1", ""),
        ("SELECT ", "EXISTS (SELECT ", "1", ")"),
        ("SELECT ", "a IN (SELECT ", "1", ")"),
        ("SELECT ", "a.", "a", ""),
        ("", "(", "SELECT 1", ")"),
        ("", "EXPLAIN ", "SELECT 1", ""),
        ("SELECT CAST(a AS ", "ARRAY<", "INT", ">)"),
        ("SELECT ", "ARRAY<", "INT", ">"),
        ("SELECT ", "STRUCT<a ", "INT", ">"),
        ("SELECT * FROM ", "((SELECT * FROM ", "t", "))"),
        ("SELECT ", "a IN ((SELECT ", "1", "))"),
        ("SELECT ", "STRUCT(a ", "INT", ")"),
        ("SELECT ", "Nullable(", "INT", ")"),
        ("CREATE TABLE t (a ", "ROW<a ", "INT", ">)"),
        ("CREATE TABLE t (a ", "ROW(a ", "INT", "))"),
        ("CREATE VIEW v AS ", "(", "SELECT 1", ")"),
        ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (", "(", "A", "))"),
        ("WITH a AS ", "(WITH a AS ", "SELECT 1", ")"),
    ];
    for (start, open, middle, close) in open_close {
        for closing in [close, ""] {
            let sql = format!("{start}{}{middle}{}", open.repeat(deep), closing.repeat(deep));
            assert!(on_small_stack(sql) > 0, "{start}{open}");
        }
    }
}

#[test]
fn long_chains_are_an_error() {
    for (start, link) in [
        ("SELECT 1", " + 1"),
        ("SELECT a", " AND a"),
        ("SELECT a", " IS NULL"),
        ("SELECT a", " || a"),
        ("SELECT a", " COLLATE x"),
        ("SELECT a", "[1] + 1"),
        ("SELECT 1", " UNION ALL SELECT 1"),
        ("SELECT 1, 2", " UNION ALL SELECT 1, 2"),
        ("SELECT a", " BETWEEN 1 AND 2"),
        ("SELECT a", " IS DISTINCT FROM b"),
        ("SELECT 1", " + CASE WHEN a THEN 1 END"),
        ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A", " | A"),
        ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A", "*"),
    ] {
        assert!(on_small_stack(format!("{start}{}", link.repeat(100_000))) > 0, "{start}{link}");
    }
}

#[test]
fn what_is_allowed_fits_on_the_stack() {
    for (start, open, middle, close, times) in [
        ("SELECT ", "(", "1", ")", 450),
        ("SELECT ", "f(", "1", ")", 450),
        ("SELECT ", "CAST(", "1", " AS INT)", 450),
        ("SELECT * FROM ", "(SELECT * FROM ", "t", ")", 300),
        ("SELECT ", "CASE WHEN a THEN 1 ELSE ", "1", " END", 450),
        ("SELECT ", "", "1", " + 1", 2_500),
        ("SELECT ", "", "1", " UNION ALL SELECT 1", 500),
        ("SELECT CASE", "", " WHEN a = 1 AND b THEN 1", " WHEN c = 2 AND d THEN 2", 1_000),
        ("SELECT * FROM t", "", "", " JOIN u ON a = b AND c = d", 500),
        ("SELECT a IN (1", "", "", ", 1", 20_000),
        ("CREATE TABLE t (a ", "ROW<a ", "INT", ">", 60),
    ] {
        let tail = match start {
            _ if start.ends_with("(1") || start.starts_with("CREATE") => ")",
            "SELECT CASE" => " END",
            _ => "",
        };
        let sql = format!("{start}{}{middle}{}{tail}", open.repeat(times), close.repeat(times));
        assert_eq!(on_small_stack(sql), 0, "{start}{open}{close}");
    }
}

/// Forms in which sqlparser tries one reading and then another: nested, the work must not double each time.
#[test]
fn second_readings_do_not_explode() {
    for (start, open, middle, close) in [
        ("SELECT ", "(", "", ""),
        ("SELECT ", "f(x => ", "", ""),
        ("SELECT ", "f(x => ", "1", ")"),
        ("SELECT ", "position(", "", ""),
        ("SELECT ", "CASE ", "", ""),
        ("SELECT ", "EXISTS(", "", ""),
        ("SELECT ", "EXISTS(SELECT ", "", ""),
        ("SELECT ", "interval(", "", ""),
        ("SELECT ", "interval ", "", ""),
        ("SELECT ", "interval -interval(", "", ""),
        ("SELECT ", "safe_cast(", "", ""),
        ("SELECT ", "struct(", "", ""),
        ("SELECT ", "map{", "", ""),
        ("SELECT ", "a BETWEEN ", "", ""),
        ("SELECT ", "a IN (", "", ""),
        ("SELECT ", "a LIKE ", "", ""),
        ("SELECT ", "f(DISTINCT ", "", ""),
        ("SELECT ", "x.* , (", "", ""),
        ("SELECT ", "SUM(a) OVER (ORDER BY ", "", ""),
        ("SELECT ", "COUNT(*) FILTER (WHERE ", "", ""),
        ("SELECT * FROM ", "f(", "", ""),
        ("SELECT * FROM ", "f(SELECT * FROM ", "", ""),
        ("SELECT * FROM t JOIN ", "(t JOIN ", "", ""),
        ("SELECT * FROM t WHERE ", "(SELECT 1 FROM (", "", ""),
        ("", "WITH a AS (", "", ""),
        ("SELECT ", "convert(", "", ""),
        ("SELECT ", "current_timestamp(", "", ""),
        ("SELECT ", "array(", "", ""),
        ("SELECT ", "NOT ", "", ""),
        ("SELECT ", "a.f(", "", ""),
        ("SELECT ", "a[", "", ""),
        ("SELECT * FROM ", "(", "t JOIN u ON TRUE", ""),
        ("SELECT * FROM ", "(", "t JOIN u ON TRUE", ")"),
        ("SELECT * FROM ", "(SELECT * FROM ", "", ""),
        ("SELECT * FROM ", "((SELECT * FROM ", "t", "))"),
        ("SELECT * FROM ", "TABLE(f(", "t", "))"),
        ("SELECT ", "JSON_OBJECT(KEY 'a' VALUE ", "", ""),
        ("SELECT a FROM t GROUP BY ", "ROLLUP((", "", ""),
        ("SELECT {fn ", "{fn f(", "", ""),
        ("SELECT ", "STRUCT<", "", ""),
        ("SELECT ", "CAST(CAST(1 AS INT) AS ", "", ""),
        ("SELECT ", "{d '", "", ""),
    ] {
        for times in [10, 20, 30, 45, 80] {
            on_small_stack(format!("{start}{}{middle}{}", open.repeat(times), close.repeat(times)));
        }
    }
}

#[test]
fn broken_text_is_an_error() {
    for sql in ["'", "`", "SELECT 'a", "/*", "SELECT \"x\"", "\u{0}", "U&'\\zzzz'", "x'", "é'", "N'"] {
        assert_eq!(on_small_stack(sql.to_string()), 1, "{sql}");
    }
    for sql in ["", ";", " ;; \n", "-- only\n", "/* a comment */;", "\u{feff}"] {
        on_small_stack(sql.to_string());
    }
    assert!(parse_query("").is_err());
    assert!(parse_query("SELECT 1; SELECT 2").is_err());
    assert!(parse_expr("1 2").is_err());
    assert!(parse_type("").is_err());
}

const SOUP: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "CREATE",
    "TABLE",
    "VIEW",
    "INSERT",
    "INTO",
    "VALUES",
    "WITH",
    "AS",
    "(",
    ")",
    ",",
    ";",
    ".",
    "*",
    "+",
    "-",
    "=",
    "<",
    ">",
    "<>",
    ">>",
    "[",
    "]",
    "{",
    "}",
    "'a'",
    "`b`",
    "t",
    "a",
    "1",
    "1.5",
    "1e3",
    "NULL",
    "NOT",
    "IS",
    "JSON",
    "BETWEEN",
    "SYMMETRIC",
    "AND",
    "OR",
    "IN",
    "EXISTS",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST",
    "INT",
    "ROW",
    "MAP",
    "ARRAY",
    "STRING",
    "TIMESTAMP",
    "INTERVAL",
    "'1'",
    "SECOND",
    "TO",
    "DAY",
    "WATERMARK",
    "FOR",
    "SYSTEM_TIME",
    "OF",
    "PRIMARY KEY",
    "ENFORCED",
    "METADATA",
    "VIRTUAL",
    "TUMBLE",
    "HOP",
    "SESSION",
    "DESCRIPTOR",
    "=>",
    "PARTITION BY",
    "LATERAL",
    "UNNEST",
    "JOIN",
    "LEFT",
    "ON",
    "MATCH_RECOGNIZE",
    "PATTERN",
    "WITHIN",
    "DEFINE",
    "MEASURES",
    "BEGIN",
    "STATEMENT SET",
    "EXECUTE",
    "EXPLAIN",
    "SHOW",
    "DESCRIBE",
    "SET",
    "RESET",
    "USE",
    "DROP",
    "ALTER",
    "LIKE",
    "INCLUDING",
    "ALL",
    "/*+ OPTIONS('a'='b') */",
    "/* c */",
    "-- d\n",
    "OVER",
    "ROWS",
    "UNBOUNDED",
    "PRECEDING",
    "UNION",
    "JSON_VALUE",
    "JSON_OBJECT",
    "KEY",
    "VALUE",
    "TRIM",
    "FLOOR",
    "EXTRACT",
    "OVERLAPS",
    "FILTER",
    "\"x\"",
    "::",
    "é",
    "\u{0}",
    "$",
    "?",
    "@",
    "\\",
    ":",
    "GROUPING SETS",
    "CUBE",
    "TIMESTAMPDIFF",
    "POSITION",
    "OVERLAY",
    "PLACING",
    "FINAL",
    "TEMPORARY",
    "FUNCTION",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup_never_panics(words in prop::collection::vec(prop::sample::select(SOUP), 0..60)) {
        on_small_stack(words.join(" "));
    }

    #[test]
    fn a_statement_cut_anywhere_never_panics(
        form in prop::sample::select(super::forms::FORMS),
        cut in 0usize..400,
        extra in prop::sample::select(SOUP),
    ) {
        let at = (0..=cut.min(form.len())).rev().find(|i| form.is_char_boundary(*i)).unwrap_or(0);
        on_small_stack(format!("{}{extra}{}", &form[..at], &form[at..]));
        on_small_stack(form[..at].to_string());
        on_small_stack(form[at..].to_string());
    }

    #[test]
    fn any_text_never_panics(text in any::<String>()) {
        on_small_stack(text.clone());
        let _ = parse_type(&text);
        let _ = parse_expr(&text);
    }
}
