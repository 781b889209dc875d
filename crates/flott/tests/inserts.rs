//! INSERT and CREATE TABLE AS: which columns are written, and what a NULL for a NOT NULL column does.
#![allow(clippy::unwrap_used)]

use flott::{RunOptions, collect};

/// What `print` tables wrote, line by line, or the error.
fn printed(sql: &str) -> Result<Vec<String>, String> {
    let state = tempfile::tempdir().unwrap();
    let options = RunOptions { state_dir: state.path().to_path_buf(), ..RunOptions::default() };
    let collected = collect(sql, &options).map_err(|e| e.to_string())?;
    Ok(collected.printed.lines().map(str::to_owned).collect())
}

const TABLE: &str = "CREATE TABLE t (a INT NOT NULL, b STRING, k STRING) PARTITIONED BY (k) WITH ('connector' = 'print');";

#[test]
fn columns_and_partitions() {
    let insert = |rest: &str| printed(&format!("{TABLE} INSERT INTO t {rest};"));
    assert_eq!(insert("PARTITION (k = 'x') SELECT 1, 'y'").unwrap(), ["+I[1, y, x]"]);
    assert_eq!(insert("PARTITION (k) SELECT 1, 'y', 'z'").unwrap(), ["+I[1, y, z]"]);
    assert_eq!(insert("(k, a) SELECT 'z', 1").unwrap(), ["+I[1, null, z]"]);
    for (wrong, why) in [
        ("(b, k) SELECT 'y', 'z'", "'a' is NOT NULL and gets no value"),
        ("(a, a) SELECT 1, 2", "'a' is given twice"),
        ("PARTITION (b = 'x') SELECT 1, 'z'", "not partitioned by 'b'"),
    ] {
        let error = insert(wrong).unwrap_err();
        assert!(error.contains(why), "{wrong}: {error}");
    }
    assert!(printed(&format!("{TABLE} INSERT OVERWRITE t SELECT 1, 'y', 'z';")).unwrap_err().contains("INSERT OVERWRITE"));
}

#[test]
fn null_for_a_column_that_takes_none() {
    let insert = format!("{TABLE} INSERT INTO t SELECT x, 'y', 'z' FROM (VALUES (1), (CAST(NULL AS INT)), (3)) AS v (x);");
    let error = printed(&insert).unwrap_err();
    assert!(error.contains("column 'a' of table 't' is NOT NULL"), "{error}");
    let dropped = printed(&format!("SET 'table.exec.sink.not-null-enforcer' = 'DROP'; {insert}")).unwrap();
    assert_eq!(dropped, ["+I[1, y, z]", "+I[3, y, z]"]);
    assert!(printed("SET 'table.exec.sink.not-null-enforcer' = 'MAYBE';").unwrap_err().contains("not-null-enforcer"));
}

#[test]
fn a_table_made_of_a_query() {
    let made = "CREATE TABLE IF NOT EXISTS made WITH ('connector' = 'print') AS SELECT 1 AS n, UPPER('x') AS t;";
    assert_eq!(printed(made).unwrap(), ["+I[1, X]"]);
    // The second time there is nothing to do.
    assert_eq!(printed(&format!("{made} {made} INSERT INTO made SELECT 2, 'y';")).unwrap(), ["+I[1, X]", "+I[2, y]"]);
    assert!(printed(&format!("{made} {}", made.replace("IF NOT EXISTS ", ""))).unwrap_err().contains("made"));
}
