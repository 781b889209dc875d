//! What errors say, and which part of the script they point at.

use super::super::parse_script;

/// Script, the words the error points at (an empty string: the end of the script), message, help.
type Case = (&'static str, &'static str, &'static str, Option<&'static str>);

const CASES: &[Case] = &[
    // mistyped keywords
    ("SELCT 1", "SELCT", "expected a statement, found `SELCT`", Some("did you mean `SELECT`?")),
    ("SELECT a FORM t", "t", "unexpected `t`", Some("did you mean `FROM` instead of `FORM`?")),
    ("SELECT * FORM t", "FORM", "unexpected `FORM`", Some("did you mean `FROM` instead of `FORM`?")),
    ("SELECT a FROM t WHRE b", "b", "unexpected `b`", Some("did you mean `WHERE` instead of `WHRE`?")),
    ("SELECT a FROM t GRUOP BY b", "BY", "unexpected `BY`", Some("did you mean `GROUP` instead of `GRUOP`?")),
    (
        "CREATE TABEL t (a INT)",
        "TABEL",
        "expected `TABLE`, `VIEW`, `FUNCTION`, `DATABASE` or `CATALOG`, found `TABEL`",
        Some("did you mean `TABLE`?"),
    ),
    (
        "CREATE TABLE t (ts TIMESTAMP(3), WATERMAK FOR ts AS ts)",
        "WATERMAK",
        "`WATERMAK` is not followed by a type",
        Some("did you mean `WATERMARK`?"),
    ),
    (
        "CREATE TABLE t (a INT) PARTITONED BY (a)",
        "PARTITONED",
        "expected `WITH` or another clause of CREATE TABLE, found `PARTITONED`",
        Some("did you mean `PARTITIONED`?"),
    ),
    (
        "INSERT INTO t PARTITON (a = 1) SELECT 1",
        "PARTITON",
        "expected a query or `VALUES`, found `PARTITON`",
        Some("did you mean `PARTITION`?"),
    ),
    ("INSERT INOT t SELECT 1", "INOT", "expected `INTO` or `OVERWRITE`, found `INOT`", Some("did you mean `INTO`?")),
    ("SHOW TABELS", "TABELS", "expected what to show, such as TABLES, found `TABELS`", Some("did you mean `TABLES`?")),
    // types
    ("CREATE TABLE t (a STRNG)", "STRNG", "unknown type `STRNG`", Some("did you mean `STRING`?")),
    ("CREATE TABLE t (a TEXT)", "TEXT", "unknown type `TEXT`", Some("Flink SQL says `STRING`")),
    ("SELECT CAST(a AS NUMBR) FROM t", "NUMBR", "unknown type `NUMBR`", None),
    (
        "CREATE TABLE t (a TIMESTAMP(3) WITH TIME ZONE)",
        "TIMESTAMP",
        "TIMESTAMP WITH TIME ZONE is not supported by Flink SQL",
        Some("write TIMESTAMP_LTZ(3)"),
    ),
    ("SELECT interval(1) FROM t", "(", "expected an interval such as '5', found `(`", None),
    ("CREATE TABLE t (a ROW<b INT)", ")", "expected `,` or `>`, found `)`", None),
    // tables
    ("CREATE TABLE t (a INT,)", ",", "a column is missing after the comma", Some("remove the comma")),
    ("CREATE TABLE t (a INT b INT)", "b", "expected `,` or `)` after the column, found `b`", None),
    (
        "CREATE TABLE t (a INT PRIMARY KEY ENFORCED)",
        "ENFORCED",
        "a primary key cannot be enforced, since Flink does not own the data",
        Some("write NOT ENFORCED"),
    ),
    ("CREATE TABLE t (a INT, PRIMARY KEY (a))", ")", "expected `NOT ENFORCED` after the primary key, found `)`", None),
    (
        "CREATE TABLE t (a INT PRIMARY KEY NOT ENFORCED, PRIMARY KEY (a) NOT ENFORCED)",
        "PRIMARY KEY (a) NOT ENFORCED",
        "a table has one primary key",
        Some("write one PRIMARY KEY (a, b) NOT ENFORCED"),
    ),
    (
        "CREATE TABLE t (a INT) WITH (connector = 'x')",
        "connector",
        "expected an option as a string, found `connector`",
        Some("strings stand in single quotes"),
    ),
    ("CREATE TABLE t (a INT) WITH ('a' = 'b', 'a' = 'c')", "'a'", "the option 'a' is set twice", None),
    ("CREATE TABLE t (a INT) WITH ('a' 'b')", "'b'", "expected `=`, found `'b'`", None),
    ("CREATE TABLE 't' (a INT)", "'t'", "expected the table's name, found a string", Some("names stand without quotes or in backticks")),
    ("CREATE TABLE a.b.c.d (a INT)", "a.b.c.d", "a name has at most three parts", Some("write catalog.database.object at most")),
    ("CREATE TABLE t (a INT", "", "expected `,` or `)` after the column, found the end of the statement", None),
    ("CREATE TABLE t (a INT); x", "x", "expected a statement, found `x`", None),
    // queries
    ("SELECT", "", "expected an expression, found the end of the statement", None),
    ("SELECT 1 +", "", "expected an expression, found the end of the statement", None),
    ("SELECT 1 2", "2", "unexpected `2`", None),
    ("SELECT (1", "", "expected `)`, found the end of the statement", None),
    ("SELECT \"a\" FROM t", "\"a\"", "double quotes are not used in Flink SQL", Some("write 'a' for a string and `a` for a name")),
    ("SELECT a::INT FROM t", "::", "`::` is not an operator of Flink SQL", Some("write CAST(x AS type)")),
    ("SELECT a == 1 FROM t", "==", "`==` is not an operator of Flink SQL", Some("write =")),
    ("SELECT 10L", "10L", "`10L` is not a number of Flink SQL", Some("write 10")),
    (
        "SELECT 9223372036854775808",
        "9223372036854775808",
        "9223372036854775808 is too large for BIGINT",
        Some("write it as a decimal: 9223372036854775808.0"),
    ),
    ("SELECT a FROM t WHERE b ILIKE 'x'", "b", "ILIKE is not part of Flink SQL", Some("write UPPER(x) LIKE ...")),
    (
        "SELECT a FROM (SELECT b FROM WHERE c) AS x",
        "WHERE",
        "`WHERE` is a keyword and cannot stand here",
        Some("as a name it must stand in backticks: `WHERE`"),
    ),
    ("SELECT f(a => 1 +, b) FROM t", ",", "expected an expression, found `,`", None),
    ("SELECT INTERVAL 'x' DAY", "'x'", "'x' is not an interval of DAY", Some("write it like '10'")),
    ("SELECT INTERVAL '1:70' HOUR TO MINUTE", "'1:70'", "'1:70' is not an interval of HOUR TO MINUTE", Some("write it like '12:30'")),
    ("SELECT INTERVAL '1' SECONT", "SECONT", "expected a time unit such as SECOND, found `SECONT`", Some("did you mean `SECOND`?")),
    ("SELECT EXTRACT(HUOR FROM ts) FROM t", "HUOR", "expected a time unit such as SECOND, found `HUOR`", Some("did you mean `HOUR`?")),
    ("SELECT 'abc", "'", "unterminated string literal", None),
    ("SELECT a FROM t /*+ OPTIONS('a' */", "/*+ OPTIONS('a' */", "expected `,` or `)`, found the end of the hint", None),
    (
        "SELECT a /*+ OPTIONS('a'='b') */, b FROM /*+ X */ t",
        "/*+ X */",
        "a hint is not allowed here",
        Some("hints stand after SELECT or directly after a table's name"),
    ),
    // window functions
    (
        "SELECT * FROM TABLE(TUMBLE(TABLE t, ts, INTERVAL '1' DAY))",
        "ts",
        "the second argument of TUMBLE is the time column, in DESCRIPTOR",
        Some("write DESCRIPTOR(ts)"),
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(t, DESCRIPTOR(ts), INTERVAL '1' DAY))",
        "t",
        "the first argument of TUMBLE is a table",
        Some("write TABLE t"),
    ),
    (
        "SELECT * FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY))",
        "TABLE t, DESCRIPTOR(ts), INTERVAL '1'",
        "HOP needs the argument SIZE",
        Some("write HOP(TABLE t, DESCRIPTOR(time_column), slide, size [, offset])"),
    ),
    (
        "SELECT * FROM TABLE(TUMBLE(DATA => TABLE t, TIMCOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' DAY))",
        "TIMCOL",
        "TUMBLE has no argument `TIMCOL`",
        Some("did you mean `TIMECOL`?"),
    ),
    (
        "SELECT * FROM TABLE(SESSION(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY, 1))",
        "1",
        "SESSION takes at most 3 arguments",
        Some("write SESSION(TABLE t [PARTITION BY (keys)], DESCRIPTOR(time_column), gap)"),
    ),
    // statement sets and others
    ("BEGIN STATEMENT SET; INSERT INTO a SELECT 1;", "BEGIN", "the STATEMENT SET is not closed", Some("write END; after its last INSERT")),
    ("BEGIN; SELECT 1", ";", "expected `STATEMENT SET`, found the end of the statement", None),
    ("SET 'a' 'b'", "'b'", "expected `=`, found `'b'`", None),
    ("DROP TABLE", "", "expected a name, found the end of the statement", None),
    ("EXPLAIN SHOW TABLES", "SHOW", "expected a query, an INSERT or a STATEMENT SET, found `SHOW`", None),
];

#[test]
fn errors_say_what_and_where() {
    let mut wrong = vec![];
    for (sql, place, message, help) in CASES {
        let Some(error) = parse_script(sql).into_iter().find_map(Result::err) else {
            wrong.push(format!("{sql}\n    no error"));
            continue;
        };
        let found = (&sql[error.range.clone()], error.message.as_str(), error.help.as_deref());
        if found != (*place, *message, *help) {
            wrong.push(format!("{sql}\n    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_errors_are_reported_at_once() {
    let sql = "CREATE TABLE a (x INT,);\nSELECT 1;\nSELCT 2;\nBEGIN STATEMENT SET;\nINSERT INTO a SELECT;\n\
               INSERT INTO b SELECT 1;\nINSERT b SELECT 1;\nEND;\nSELECT 'é' FROM FROM;\nSELECT 3";
    let results = parse_script(sql);
    let lines: Vec<Result<u64, u64>> = results
        .iter()
        .map(|r| match r {
            Ok(parsed) => Ok(parsed.line),
            Err(error) => Err(error.span.start.line),
        })
        .collect();
    assert_eq!(lines, [Err(1), Ok(2), Err(3), Err(5), Err(7), Err(9), Ok(10)]);
}

#[test]
fn a_forgotten_end_hides_nothing() {
    let sql = "BEGIN STATEMENT SET;\nINSERT INTO a SELECT 1;\nCREATE TABLE t (a INT);\nSELECT 1";
    let results = parse_script(sql);
    assert!(results[0].is_err() && results[1].is_ok() && results[2].is_ok(), "{results:?}");
}
