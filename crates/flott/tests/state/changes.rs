//! Queries that are changed between two runs: what is kept, and whether the results are right then.

use std::collections::BTreeMap;
use std::path::Path;

use flott::{Outcome, RunOptions, collect};
use flott_engine::ErrorKind;

use super::{err, flott, told};

/// Forty rows in four keys, the first twenty before the change; and as many in another table.
fn data(dir: &Path) {
    for (name, factor) in [("t", 1), ("u", 100)] {
        let rows: String =
            (0..40).map(|i| format!("{},{},2024-01-01 00:00:{i:02}\n", ["a", "b", "c", "d"][i * 7 % 4], i * factor)).collect();
        std::fs::write(dir.join(format!("{name}.csv")), rows).unwrap();
    }
}

fn tables(dir: &Path) -> String {
    let table = |name: &str| {
        format!(
            "CREATE TABLE {name} (k STRING, v BIGINT, ts TIMESTAMP(3), w AS v * 2, WATERMARK FOR ts AS ts) \
             WITH ('connector' = 'filesystem', 'path' = '{}/{name}.csv', 'format' = 'csv', 'scan.watermark.emit.strategy' = 'on-event');\n",
            dir.display()
        )
    };
    table("t") + &table("u")
}

type Table = BTreeMap<Vec<Option<String>>, i64>;

/// Runs a query for so many ticks, or to its end; tells its changes.
fn run(dir: &Path, query: &str, ticks: Option<u64>, workers: usize, drop: bool) -> Result<(Outcome, Table), flott::Failure> {
    let options = RunOptions {
        state_dir: dir.join("state"),
        parallelism: Some(workers),
        tick_rows_max: Some(5),
        checkpoint_every_ticks: Some(1),
        abandon_after_ticks: ticks,
        allow_dropped_state: drop,
        ..RunOptions::default()
    };
    let got = collect(&format!("{}{query}", tables(dir)), &options)?;
    let mut table = Table::new();
    for (kind, row) in got.rows.iter().take(if ticks.is_some() { got.committed_rows } else { usize::MAX }) {
        *table.entry(row.clone()).or_default() += if kind.adds() { 1 } else { -1 };
    }
    table.retain(|_, count| *count != 0);
    Ok((got.outcome, table))
}

/// The old query runs into the middle of its input, then the new one to the end.
fn changed(old: &str, new: &str) -> Result<Table, flott::Failure> {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    let (outcome, _) = run(dir.path(), old, Some(4), 2, false).unwrap();
    assert_eq!(outcome, Outcome::Abandoned);
    let (outcome, table) = run(dir.path(), new, None, 3, false)?;
    assert_eq!(outcome, Outcome::Finished);
    Ok(table)
}

/// What a query gives in one go.
fn whole(query: &str) -> Table {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    run(dir.path(), query, None, 1, false).unwrap().1
}

/// All keys change after the change of the query, so its last rows are those of the new query over all input.
fn assert_right(old: &str, new: &str) {
    let table = changed(old, new).unwrap_or_else(|e| panic!("{old}\n{new}\n{e}"));
    // What the old query told was taken back in the form of the new one, which never gave it.
    let last: Table = table.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(last, whole(new), "{old}\n{new}");
}

fn assert_refused(old: &str, new: &str, says: &[&str]) {
    let refused = changed(old, new).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::State, "{refused}");
    says.iter().for_each(|word| assert!(refused.to_string().contains(word), "{word}: {refused}"));
}

const COUNTS: &str = "SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY k;";

#[test]
fn what_comes_after_an_aggregation_can_change() {
    assert_right(COUNTS, "SELECT UPPER(k) AS key, n * 10 AS tens, s FROM (SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY k);");
    assert_right(COUNTS, "SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY k HAVING SUM(v) > 0;");
    assert_right(
        COUNTS,
        "WITH x AS (SELECT v AS value_, k AS name FROM t) SELECT name, COUNT(*) AS n, SUM(value_) AS s FROM x GROUP BY name;",
    );
}

#[test]
fn what_comes_before_it_cannot() {
    assert_refused(
        COUNTS,
        "SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t WHERE v > 3 GROUP BY k;",
        &["GroupAggregate", "--allow-dropped-state"],
    );
    assert_refused(COUNTS, "SELECT k, COUNT(*) AS n, SUM(w) AS s FROM t GROUP BY k;", &["SUM(t.w)", "--fresh"]);
    assert_refused(COUNTS, "SELECT k, COUNT(*) AS n, SUM(v) AS s, MAX(v) AS m FROM t GROUP BY k;", &["MAX"]);
    assert_refused(COUNTS, "SELECT k, COUNT(*) AS n, SUM(v) AS s FROM u GROUP BY k;", &["source t"]);
    let day = "SELECT k, COUNT(*) AS n, SUM(CAST(v AS INT)) AS s FROM t GROUP BY k;";
    assert_refused(COUNTS, day, &["GroupAggregate"]);
}

#[test]
fn windows_joins_and_top_n_keep_their_rows() {
    let window = |select: &str| {
        format!("SELECT {select} FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '8' SECOND)) GROUP BY window_start, window_end, k;")
    };
    let table = changed(&window("k, COUNT(*) AS n"), &window("window_end, k, COUNT(*) AS n")).unwrap();
    let all = whole(&window("window_end, k, COUNT(*) AS n"));
    assert!(table.len() < all.len() && table.iter().all(|(row, n)| all.get(row) == Some(n)), "{table:?}");
    let join = |select: &str| format!("SELECT {select} FROM t JOIN u ON t.k = u.k WHERE t.v < 5;");
    let table = changed(&join("t.v, u.v AS uv"), &join("u.v AS uv, t.v, t.v + u.v AS both_")).unwrap();
    let all = whole(&join("u.v AS uv, t.v, t.v + u.v AS both_"));
    assert!(!table.is_empty() && table.iter().all(|(row, n)| all.get(row) == Some(n)), "{table:?}");
    let top = |select: &str| {
        format!("SELECT {select} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM t) WHERE rn <= 1;")
    };
    assert_right(&top("k, v"), &top("v, k"));
}

#[test]
fn what_does_not_fit_is_dropped_only_if_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    run(dir.path(), COUNTS, Some(4), 1, false).unwrap();
    let other = "SELECT k, COUNT(*) AS n FROM t WHERE v >= 0 GROUP BY k;";
    assert_eq!(run(dir.path(), other, None, 1, false).unwrap_err().kind(), ErrorKind::State);
    // Nothing was touched.
    run(dir.path(), COUNTS, Some(1), 2, false).unwrap();
    let (_, table) = run(dir.path(), other, None, 1, true).unwrap();
    let counted: i64 = table.keys().map(|row| row[1].as_ref().unwrap().parse::<i64>().unwrap()).sum();
    assert!((10..=30).contains(&counted), "rows from the change on: {counted}");
}

/// A sink of its own for each statement.
fn inserts(inserts: &[(&str, &str)]) -> String {
    let mut script = String::new();
    let mut set = "SET 'pipeline.name' = 'job'; EXECUTE STATEMENT SET BEGIN ".to_string();
    for (name, query) in inserts {
        script
            .push_str(&format!("CREATE TABLE {name} (k STRING, n BIGINT) WITH ('connector' = 'print', 'print-identifier' = '{name}');\n"));
        set.push_str(&format!("INSERT INTO {name} {query}; "));
    }
    script + &set + "END;"
}

#[test]
fn another_insert_begins_where_it_can() {
    let old = inserts(&[("a", "SELECT k, COUNT(*) FROM t GROUP BY k")]);
    let printed = |new: &str| {
        let dir = tempfile::tempdir().unwrap();
        data(dir.path());
        run(dir.path(), &old, Some(4), 1, false).unwrap();
        let options = RunOptions {
            state_dir: dir.path().join("state"),
            checkpoint_every_ticks: Some(1),
            tick_rows_max: Some(5),
            ..RunOptions::default()
        };
        collect(&format!("{}{new}", tables(dir.path())), &options).map(|got| got.printed)
    };
    // Of another table: from its beginning.
    let text = printed(&inserts(&[("b", "SELECT k, COUNT(*) FROM u GROUP BY k"), ("a", "SELECT k, COUNT(*) FROM t GROUP BY k")])).unwrap();
    for line in ["a> +U[a, 10]", "b> +U[a, 10]", "b> +I[a, "] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("a> +I[a, "), "{text}");
    // Without state: the rows that come.
    let text = printed(&inserts(&[("a", "SELECT k, COUNT(*) FROM t GROUP BY k"), ("b", "SELECT k, v FROM t")])).unwrap();
    assert!(text.contains("b> +I[b, 39]") && !text.contains("b> +I[a, 0]"), "{text}");
    // With state, of a table that was read in part: not without saying so.
    let refused =
        printed(&inserts(&[("a", "SELECT k, COUNT(*) FROM t GROUP BY k"), ("b", "SELECT k, SUM(v) FROM t GROUP BY k")])).unwrap_err();
    assert!(refused.to_string().contains("SUM(t.v)"), "{refused}");
}

#[test]
fn explain_tells_it_before() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(dir);
    let script = |name: &str, query: &str| std::fs::write(dir.join(name), tables(dir) + query).unwrap();
    let count = "SELECT k, COUNT(*) FROM t GROUP BY k";
    script("old.sql", &inserts(&[("a", count)]));
    script("new.sql", &inserts(&[("a", "SELECT k, n + 1 FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k)"), ("b", "SELECT k, v FROM t")]));
    script("bad.sql", &inserts(&[("a", "SELECT k, COUNT(*) FROM t WHERE v > 0 GROUP BY k")]));
    let expected = "\
job
  keep     source t: goes on where it was
  keep     GroupAggregate(groupBy=[k], select=[COUNT(*)]): keeps its state
  keep     sink a: is given what the new query says from now on; rows that it has stay until they change, and may stay for ever
  begin    sink b: is new, and is given the rows that come from now on
The job goes on with its state.
";
    assert_eq!(told(dir, &["explain", "--change", "old.sql", "new.sql"]), expected);
    let refused = flott(dir, &["explain", "--change", "old.sql", "bad.sql"]);
    let text = String::from_utf8(refused.stdout.clone()).unwrap();
    assert_eq!(refused.status.code(), Some(3), "{text}");
    assert!(text.contains("  refuse   GroupAggregate(") && text.contains("--fresh") && text.contains("would be dropped"), "{text}");
    // Against checkpoints.
    let run = ["run", "--checkpoint-every-ticks", "1", "--tick-rows", "3", "--abandon-after-ticks", "3"];
    told(dir, &[&run[..], &["old.sql"]].concat());
    assert_eq!(told(dir, &["explain", "--change", ".flott", "new.sql"]), expected);
    assert_eq!(told(dir, &["explain", "--change", ".flott/checkpoints/job", "new.sql"]), expected);
    let none = flott(dir, &["explain", "--change", "nowhere", "new.sql"]);
    assert!(none.status.code() == Some(3) && err(&none).contains("nowhere"), "{}", err(&none));
    // And so it goes.
    let refused = flott(dir, &["run", "--checkpoint-every-ticks", "1", "bad.sql"]);
    assert!(refused.status.code() == Some(3) && err(&refused).contains("GroupAggregate"), "{}", err(&refused));
    let output = flott(dir, &["run", "--checkpoint-every-ticks", "1", "new.sql"]);
    let said = err(&output);
    assert!(output.status.success() && said.contains("the query was changed: 3 of its 4 parts go on; new: sink b"), "{said}");
    assert!(said.contains("going on from checkpoint 2 of 20") && said.contains("t.csv: 6 rows, at"), "{said}");
}
