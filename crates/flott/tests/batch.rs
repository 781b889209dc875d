//! Batch mode: only final rows are told, in every way rows come out, and input that does not end is refused.
#![allow(clippy::unwrap_used)]

use flott::{Collected, Outcome, RunOptions, collect};
use flott_engine::RowKind;

const VIEW: &str = "SET 'execution.runtime-mode' = 'batch';
    CREATE VIEW sales AS SELECT * FROM (VALUES ('a', 3), ('b', 5), ('a', 4), (CAST(NULL AS STRING), 1)) AS v (k, n);";
const SUMS: &str = "SELECT k, SUM(n) AS s FROM sales GROUP BY k";

fn run(sql: &str, options: RunOptions) -> Result<Collected, String> {
    collect(sql, &options).map_err(|e| e.to_string())
}

fn in_ticks(workers: usize) -> RunOptions {
    RunOptions { parallelism: Some(workers), tick_rows_max: Some(1), ..RunOptions::default() }
}

#[test]
fn print_shows_new_rows_only() {
    for workers in [1, 2] {
        let sql =
            format!("{VIEW} CREATE TABLE t (k STRING, s INT) WITH ('connector' = 'print'); INSERT INTO t {SUMS} ORDER BY k NULLS LAST;");
        let printed = run(&sql, in_ticks(workers)).unwrap().printed;
        assert_eq!(printed.lines().collect::<Vec<_>>(), ["+I[a, 7]", "+I[b, 5]", "+I[null, 1]"]);
    }
}

#[test]
fn a_table_that_takes_new_rows_only_takes_any_result() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let table = format!("CREATE TABLE t (k STRING, s INT) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');");
    let insert = format!("{table} INSERT INTO t {SUMS};");
    run(&format!("{VIEW} {insert}"), in_ticks(2)).unwrap();
    let files = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap());
    let shown = files.filter(|f| !f.file_name().to_string_lossy().starts_with('.'));
    let text: String = shown.map(|f| std::fs::read_to_string(f.path()).unwrap()).collect();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort();
    assert_eq!(lines, [",1", "a,7", "b,5"]);
    let error = run(&format!("{VIEW} SET 'execution.runtime-mode' = 'streaming'; {insert}"), in_ticks(1)).unwrap_err();
    assert!(error.contains("takes new rows only"), "{error}");
}

#[test]
fn a_select_is_not_updating_and_goes_on_from_a_checkpoint() {
    let state = tempfile::tempdir().unwrap();
    let sql = format!("{VIEW} {SUMS} ORDER BY s DESC;");
    let options = |abandon_after_ticks| RunOptions {
        state_dir: state.path().to_path_buf(),
        checkpoint_every_ticks: Some(1),
        abandon_after_ticks,
        ..in_ticks(1)
    };
    let first = run(&sql, options(Some(3))).unwrap();
    assert_eq!((first.outcome, first.rows.len()), (Outcome::Abandoned, 0));
    let rest = run(&sql, options(None)).unwrap();
    assert!(!rest.updating && rest.rows.iter().all(|(kind, _)| *kind == RowKind::Insert));
    let rows: Vec<String> = rest.rows.iter().map(|(_, row)| format!("{:?}", row[0])).collect();
    assert_eq!(rows, ["Some(\"a\")", "Some(\"b\")", "None"]);
    assert!(rest.reports.iter().all(|report| report.progress.resumed.is_some()));
}

#[test]
fn the_time_of_the_query_is_the_same_for_all_rows() {
    let sql = format!("{VIEW} SELECT COUNT(DISTINCT t) AS n FROM (SELECT CURRENT_TIMESTAMP AS t FROM sales);");
    let rows = run(&sql, in_ticks(1)).unwrap().rows;
    assert_eq!(rows, [(RowKind::Insert, vec![Some("1".to_string())])]);
}

#[test]
fn what_does_not_end_is_refused() {
    let table = "CREATE TABLE g (n INT) WITH ('connector' = 'datagen');";
    let error = run(&format!("{VIEW} {table} SELECT COUNT(*) FROM g;"), in_ticks(1)).unwrap_err();
    assert!(error.contains("table 'g' does not end") && error.contains("'number-of-rows'"), "{error}");
    let bounded = table.replace("'datagen'", "'datagen', 'number-of-rows' = '7'");
    let rows = run(&format!("{VIEW} {bounded} SELECT COUNT(*) FROM g;"), in_ticks(2)).unwrap().rows;
    assert_eq!(rows, [(RowKind::Insert, vec![Some("7".to_string())])]);
}

#[test]
fn explain_tells_what_waits_for_the_end() {
    let collected =
        run(&format!("{VIEW} EXPLAIN CHANGELOG_MODE {SUMS} ORDER BY s DESC NULLS FIRST LIMIT 2 OFFSET 1;"), in_ticks(1)).unwrap();
    let text = collected.answers.iter().flat_map(|(_, rows)| rows.iter().flatten()).cloned().collect::<Vec<_>>().join("\n");
    assert!(text.contains("AtEnd(final rows only)"), "{text}");
    assert!(text.contains("Sort(orderBy=[s DESC NULLS FIRST], offset=[1], fetch=[2])"), "{text}");
}

#[test]
fn nothing_is_forgotten_before_the_end() {
    let sql = format!("{VIEW} SET 'table.exec.state.ttl' = '1 ms'; SELECT COUNT(*) AS n, COUNT(DISTINCT k) AS d FROM sales;");
    let rows = run(&sql, in_ticks(1)).unwrap().rows;
    assert_eq!(rows, [(RowKind::Insert, vec![Some("4".to_string()), Some("2".to_string())])]);
}

#[test]
fn a_sink_with_a_key_takes_final_rows_as_they_are() {
    let table = "CREATE TABLE t (k STRING, s INT, PRIMARY KEY (s) NOT ENFORCED) WITH ('connector' = 'print');";
    for force in ["AUTO", "FORCE"] {
        let sql = format!("{VIEW} {table} SET 'table.exec.sink.upsert-materialize' = '{force}'; INSERT INTO t {SUMS} ORDER BY s;");
        let printed = run(&sql, in_ticks(1)).unwrap().printed;
        assert_eq!(printed.lines().collect::<Vec<_>>(), ["+I[null, 1]", "+I[b, 5]", "+I[a, 7]"]);
    }
}

#[test]
fn what_batch_mode_does_not_have_is_refused_by_name() {
    let table = |format: &str| {
        format!(
            "SET 'execution.runtime-mode' = 'batch'; CREATE TABLE f (op STRING, n INT, ts TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR ts AS ts)
             WITH ('connector' = 'filesystem', 'path' = '/none', 'format' = '{format}');"
        )
    };
    for (format, query, message) in [
        ("debezium-json", "SELECT COUNT(*) FROM f", "table 'f' brings changes of rows"),
        ("json", "SELECT * FROM FROM_CHANGELOG(input => TABLE f)", "batch mode has no FROM_CHANGELOG"),
        ("json", "SELECT * FROM TO_CHANGELOG(input => TABLE f, op => DESCRIPTOR(kind))", "batch mode has no TO_CHANGELOG"),
        ("json", "SELECT COUNT(DISTINCT n) OVER (ORDER BY ts) FROM f", "batch mode has no DISTINCT in OVER"),
    ] {
        let error = run(&format!("{} {query};", table(format)), in_ticks(1)).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

/// Names and lines of the visible files of a folder, which stay in their folders.
fn shown(folder: &std::path::Path) -> Vec<String> {
    let mut lines = vec![];
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            lines.extend(shown(&entry.path()).into_iter().map(|line| format!("{name}/{line}")));
        } else if !name.starts_with('.') {
            lines.extend(std::fs::read_to_string(entry.path()).unwrap().lines().map(str::to_string));
        }
    }
    lines.sort();
    lines
}

#[test]
fn insert_overwrite_replaces_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let table = format!("CREATE TABLE t (k STRING, s INT) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');");
    let write = |statement: &str| run(&format!("{VIEW} {table} {statement};"), in_ticks(2)).map(drop);
    write(&format!("INSERT INTO t {SUMS}")).unwrap();
    write("INSERT INTO t VALUES ('x', 1)").unwrap();
    assert_eq!(shown(folder.path()), [",1", "a,7", "b,5", "x,1"]);
    write("INSERT OVERWRITE t SELECT k, n FROM sales WHERE n > 3").unwrap();
    assert_eq!(shown(folder.path()), ["a,4", "b,5"]);
    // What is read is what was there before.
    write("INSERT OVERWRITE t SELECT k, s + 1 FROM t").unwrap();
    assert_eq!(shown(folder.path()), ["a,5", "b,6"]);
    write("INSERT OVERWRITE t SELECT k, n FROM sales WHERE n > 100").unwrap();
    assert!(shown(folder.path()).is_empty());
    let error = run(&format!("{table} INSERT OVERWRITE t VALUES ('x', 1);"), in_ticks(1)).unwrap_err();
    assert!(error.contains("INSERT OVERWRITE is for batch jobs"), "{error}");
    let error =
        run(&format!("{VIEW} CREATE TABLE p (k STRING) WITH ('connector' = 'print'); INSERT OVERWRITE p VALUES ('x');"), in_ticks(1));
    assert!(error.as_ref().is_err_and(|e| e.contains("'print' cannot replace what is in table 'p'")), "{error:?}");
}

#[test]
fn insert_overwrite_replaces_the_partitions_that_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let table = format!(
        "CREATE TABLE t (n INT, k STRING) PARTITIONED BY (k) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');"
    );
    let write = |statement: &str, options| run(&format!("{VIEW} {table} {statement};"), options).map(drop).unwrap();
    write("INSERT INTO t SELECT n, k FROM sales WHERE k IS NOT NULL", in_ticks(2));
    assert_eq!(shown(folder.path()), ["k=a/3", "k=a/4", "k=b/5"]);
    write("INSERT OVERWRITE t SELECT n * 10, k FROM sales WHERE k = 'b'", in_ticks(1));
    assert_eq!(shown(folder.path()), ["k=a/3", "k=a/4", "k=b/50"]);
    write("INSERT OVERWRITE t PARTITION (k = 'a') SELECT n FROM sales", in_ticks(2));
    assert_eq!(shown(folder.path()), ["k=a/1", "k=a/3", "k=a/4", "k=a/5", "k=b/50"]);
}

#[test]
fn a_killed_insert_overwrite_replaces_nothing_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let table = format!(
        "CREATE TABLE t (k STRING, s INT) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv', 'sink.rolling-policy.file-size' = '1b');"
    );
    run(&format!("{VIEW} {table} INSERT INTO t {SUMS};"), in_ticks(2)).unwrap();
    let sql = format!("{VIEW} {table} INSERT OVERWRITE t SELECT k, n * 10 FROM sales;");
    let state = tempfile::tempdir().unwrap();
    for life in 0..50 {
        let options = RunOptions {
            state_dir: state.path().to_path_buf(),
            checkpoint_every_ticks: Some(1),
            abandon_after_ticks: Some(3),
            ..in_ticks(1 + life % 2)
        };
        if run(&sql, options).unwrap().outcome == Outcome::Finished {
            assert_eq!(shown(folder.path()), [",10", "a,30", "a,40", "b,50"]);
            return;
        }
        assert_eq!(shown(folder.path()), [",1", "a,7", "b,5"], "life {life}");
    }
    panic!("it did not end");
}
