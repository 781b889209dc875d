//! Functions of the user, registered by a program: in expressions, groups, windows, OVER and LATERAL TABLE, over rows that change, through
//! kill and restore, and when they go wrong.
#![allow(clippy::unwrap_used)]

use std::process::Command;
use std::sync::Arc;

use flott::arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use flott::arrow::datatypes::Int64Type;
use flott::own::{AggInput, Aggregate, Column, ColumnKind, Rows, Signature, for_rows};
use flott::{Failure, Result, RunOptions, collect};

/// A sum that wraps around, as SUM of BIGINT does.
struct OwnSum;

impl Aggregate for OwnSum {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::I64, ColumnKind::I64]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let values = input.args[0].as_primitive::<Int64Type>();
        for_rows(slots, input, input.args[0].nulls(), |row, slot, sign| {
            let sum = &mut state[0].i64s_mut()[slot];
            *sum = sum.wrapping_add(values.value(row).wrapping_mul(sign));
            state[1].i64s_mut()[slot] += sign;
        });
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        for (column, more) in state.iter_mut().zip(partial) {
            for (slot, more) in slots.iter().zip(more.as_primitive::<Int64Type>().values()) {
                let value = &mut column.i64s_mut()[*slot as usize];
                *value = value.wrapping_add(*more);
            }
        }
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let sum = |slot: &u32| (state[1].i64s()[*slot as usize] != 0).then(|| state[0].i64s()[*slot as usize]);
        Ok(Arc::new(slots.iter().map(sum).collect::<Int64Array>()))
    }
}

/// Each number as often as it says.
fn times(args: &[ArrayRef], rows: usize) -> Result<Rows> {
    let numbers = args[0].as_primitive::<Int64Type>();
    let of: Vec<u32> = (0..rows).flat_map(|row| vec![row as u32; numbers.value(row).max(0) as usize]).collect();
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["x"; of.len()]));
    Ok(Rows { of, columns: vec![texts] })
}

fn options() -> RunOptions {
    let mut options = RunOptions::default();
    let functions = &mut options.functions;
    let bigint = || Signature::of(&["BIGINT"], "BIGINT").unwrap();
    functions.scalar("plus_one", bigint(), |args: &[ArrayRef], _: usize| {
        Ok(Arc::new(args[0].as_primitive::<Int64Type>().unary::<_, Int64Type>(|n| n + 1)) as ArrayRef)
    });
    functions.scalar("too_few", bigint(), |_: &[ArrayRef], _: usize| Ok(Arc::new(Int64Array::from(vec![1; 0])) as ArrayRef));
    functions.scalar("wrong_type", bigint(), |_: &[ArrayRef], rows: usize| Ok(Arc::new(StringArray::from(vec!["x"; rows])) as ArrayRef));
    functions.scalar("fails", bigint(), |_: &[ArrayRef], _: usize| Err(flott::Error::data("no 'n' today")));
    functions
        .scalar("panics", bigint(), |args: &[ArrayRef], _: usize| -> Result<ArrayRef> { panic!("{} values are too many", args[0].len()) });
    functions.aggregate("own_sum", bigint(), OwnSum);
    functions.aggregate("one_way_sum", bigint().without_retraction(), OwnSum);
    functions.table("times", Signature::of(&["BIGINT"], "STRING").unwrap(), times);
    options
}

const NUMBERS: &str =
    "CREATE TABLE numbers (n BIGINT, ts AS TO_TIMESTAMP_LTZ(n * 100, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen',
    'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '300');\n";

/// The table that the changes of a query leave, sorted.
fn table(query: &str, options: &RunOptions) -> Vec<String> {
    let collected = collect(&format!("{NUMBERS}{query}"), options).unwrap();
    let mut rows: Vec<String> = vec![];
    for (kind, row) in collected.rows {
        let text = row.iter().map(|v| v.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(" ");
        if kind.adds() {
            rows.push(text);
        } else {
            let at = rows.iter().position(|r| *r == text).unwrap();
            rows.swap_remove(at);
        }
    }
    rows.sort();
    rows
}

fn fails(query: &str) -> String {
    match collect(&format!("{NUMBERS}{query}"), &options()) {
        Ok(_) => panic!("{query} went well"),
        Err(failure @ Failure::Job { .. }) => failure.to_string(),
        Err(failure) => failure.to_string(),
    }
}

/// Queries with an own function, and what a built-in one says.
const SAME: &[(&str, &str)] = &[
    ("SELECT plus_one(n) FROM numbers", "SELECT n + 1 FROM numbers"),
    ("SELECT Plus_One(CAST(n AS INT)) FROM numbers WHERE PLUS_ONE(n) > 100", "SELECT n + 1 FROM numbers WHERE n > 99"),
    ("SELECT own_sum(n), own_sum(DISTINCT MOD(n, 10)) FROM numbers", "SELECT SUM(n), SUM(DISTINCT MOD(n, 10)) FROM numbers"),
    (
        "SELECT MOD(n, 7), own_sum(n) FILTER (WHERE n > 5) FROM numbers GROUP BY MOD(n, 7)",
        "SELECT MOD(n, 7), SUM(n) FILTER (WHERE n > 5) FROM numbers GROUP BY MOD(n, 7)",
    ),
    // rows are taken back
    (
        "SELECT MOD(c, 3), own_sum(c) FROM (SELECT MOD(n, 7), COUNT(*) FROM numbers GROUP BY MOD(n, 7)) AS t(k, c) GROUP BY MOD(c, 3)",
        "SELECT MOD(c, 3), SUM(c) FROM (SELECT MOD(n, 7), COUNT(*) FROM numbers GROUP BY MOD(n, 7)) AS t(k, c) GROUP BY MOD(c, 3)",
    ),
    (
        "SELECT window_start, own_sum(n) FROM HOP(TABLE numbers, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '3' SECOND) GROUP BY window_start, window_end",
        "SELECT window_start, SUM(n) FROM HOP(TABLE numbers, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '3' SECOND) GROUP BY window_start, window_end",
    ),
    (
        "SELECT n, own_sum(n) OVER (PARTITION BY MOD(n, 3) ORDER BY ts ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) FROM numbers",
        "SELECT n, SUM(n) OVER (PARTITION BY MOD(n, 3) ORDER BY ts ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) FROM numbers",
    ),
    (
        "SELECT n, x FROM numbers, LATERAL TABLE(times(MOD(n, 3))) AS v(x)",
        "SELECT n, 'x' FROM numbers WHERE MOD(n, 3) >= 1 UNION ALL SELECT n, 'x' FROM numbers WHERE MOD(n, 3) = 2",
    ),
    (
        "SELECT n, x FROM numbers LEFT JOIN LATERAL TABLE(times(MOD(n, 2))) AS v(x) ON TRUE",
        "SELECT n, CASE MOD(n, 2) WHEN 1 THEN 'x' END FROM numbers",
    ),
    ("SELECT x FROM LATERAL TABLE(times(CAST(2 AS BIGINT))) AS v(x)", "SELECT * FROM (VALUES ('x'), ('x')) AS v(x)"),
];

#[test]
fn own_functions_give_what_built_in_ones_give() {
    for (own, built_in) in SAME {
        let expected = table(built_in, &options());
        for workers in [1, 3] {
            let options = RunOptions { parallelism: Some(workers), tick_rows_max: Some(37), ..options() };
            assert_eq!(table(own, &options), expected, "{own}");
        }
    }
}

#[test]
fn state_of_own_aggregates_survives_a_kill() {
    let query = format!("{NUMBERS}SELECT MOD(n, 7), own_sum(n) FROM numbers GROUP BY MOD(n, 7)");
    let dir = tempfile::tempdir().unwrap();
    let options = |workers, abandon| RunOptions {
        parallelism: Some(workers),
        tick_rows_max: Some(20),
        state_dir: dir.path().to_path_buf(),
        checkpoint_every_ticks: Some(1),
        abandon_after_ticks: abandon,
        ..options()
    };
    let first = collect(&query, &options(2, Some(5))).unwrap();
    let rest = collect(&query, &options(3, None)).unwrap();
    let mut rows: Vec<String> = vec![];
    for (kind, row) in first.rows[..first.committed_rows].iter().chain(&rest.rows) {
        let text = row.iter().map(|v| v.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(" ");
        match kind.adds() {
            true => rows.push(text),
            false => drop(rows.swap_remove(rows.iter().position(|r| *r == text).unwrap())),
        }
    }
    rows.sort();
    assert_eq!(rows, table("SELECT MOD(n, 7), SUM(n) FROM numbers GROUP BY MOD(n, 7)", &RunOptions::default()));
}

#[test]
fn what_goes_wrong_names_the_function() {
    for (query, message) in [
        ("SELECT fails(n) FROM numbers", "the function FAILS failed: no 'n' today"),
        ("SELECT panics(n) FROM numbers", "the function PANICS panicked: "),
        ("SELECT too_few(n) FROM numbers", "the function TOO_FEW failed: it gave 0 values for "),
        (
            "SELECT wrong_type(n) FROM numbers",
            "the function WRONG_TYPE failed: it gave values of type STRING and is declared to give BIGINT",
        ),
        ("SELECT plus_one('a')", "plus_one(BIGINT): argument 1 is "),
        ("SELECT plus_one(n, n) FROM numbers", "plus_one(BIGINT) takes 1 arguments, but the call has 2"),
        ("SELECT times(n) FROM numbers", "there is no function 'TIMES'"),
        ("SELECT * FROM numbers, LATERAL TABLE(nothing(n))", "there is no table function 'nothing'"),
        (
            "SELECT one_way_sum(c) FROM (SELECT MOD(n, 7), COUNT(*) FROM numbers GROUP BY MOD(n, 7)) AS t(k, c)",
            "ONE_WAY_SUM cannot take rows back",
        ),
    ] {
        let told = fails(query);
        assert!(told.contains(message), "{query}: {told}");
    }
    let job = fails("SELECT fails(n) FROM numbers");
    assert!(job.starts_with("job collect: "), "{job}");
}

#[test]
fn statements_on_functions() {
    let collected = collect("SHOW USER FUNCTIONS", &options()).unwrap();
    let names: Vec<String> = collected.answers[0].1.iter().map(|row| row[0].clone()).collect();
    assert_eq!(names, ["fails", "one_way_sum", "own_sum", "panics", "plus_one", "times", "too_few", "wrong_type"]);
    let gone = collect("DROP TEMPORARY SYSTEM FUNCTION plus_one; SELECT plus_one(1)", &options()).unwrap_err();
    assert!(gone.to_string().contains("there is no function 'PLUS_ONE'"), "{gone}");
    for (statement, message) in [
        (
            "CREATE FUNCTION f AS 'com.example.F'",
            "functions in JAVA, which is meant when no LANGUAGE is written, need a Java virtual machine",
        ),
        ("CREATE FUNCTION f AS 'com.example.F' LANGUAGE SCALA", "functions in SCALA need a Java virtual machine"),
        ("DROP FUNCTION f", "there is no function 'f' to drop"),
        #[cfg(not(feature = "python"))]
        ("CREATE FUNCTION f AS 'm.f' LANGUAGE PYTHON", "built without Python (build it with Python: cargo install"),
    ] {
        let told = collect(statement, &options()).unwrap_err().to_string();
        assert!(told.contains(message), "{statement}: {told}");
    }
    collect("DROP FUNCTION IF EXISTS f", &options()).unwrap();
}

/// The examples run, and say what they should.
#[test]
fn examples() {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_flott")).parent().unwrap().join("examples");
    for (name, said) in [
        ("scalar_function", "Paris: 877.0 km\nRome: 1183.0 km\nnowhere: ? km\n"),
        ("aggregate_function", "milk: 1.5\ntea: 2.5\n"),
        ("table_function", "1 a 1\n1 of 2\n1 row 3\n1 the 3\n1 way 3\n2 - -\n3 loop 4\n3 one 3\n"),
    ] {
        let output = Command::new(folder.join(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        if name != "scalar_function" {
            lines.sort();
        }
        assert_eq!(lines.join("\n") + "\n", said, "{name}");
    }
}
