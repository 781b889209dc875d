//! MATCH_RECOGNIZE beyond what Flink has, and how its errors read. What Flink has too is in the parity cases.
#![allow(clippy::unwrap_used)]

use flott::{Collected, Outcome, RunOptions, collect};
use std::path::Path;

/// Values of the rows, of one key and a second apart, the last ones four.
const VALUES: [i64; 12] = [1, 2, 3, 4, 10, 7, 1, 2, 12, 5, 6, 20];

/// The rows of `SELECT * FROM t MATCH_RECOGNIZE (…)`, cells joined by a blank.
fn matched(clauses: &str, workers: usize) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = VALUES
        .iter()
        .enumerate()
        .map(|(i, v)| format!("{{\"k\":\"x\",\"v\":{v},\"ts\":\"2024-01-01 00:00:{:02}\"}}\n", i * if i > 8 { 4 } else { 1 }))
        .collect();
    let file = folder.path().join("t.json");
    std::fs::write(&file, lines).unwrap();
    let sql = format!(
        "CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
         WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'json');
         SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts {clauses});",
        file.display()
    );
    let options = RunOptions { state_dir: folder.path().join("state"), parallelism: Some(workers), ..RunOptions::default() };
    let collected = collect(&sql, &options).map_err(|e| e.to_string())?;
    let cell = |c: &Option<String>| c.clone().unwrap_or("-".into());
    Ok(collected.rows.iter().map(|(_, cells)| cells.iter().skip(1).map(cell).collect::<Vec<_>>().join(" ")).collect())
}

const DEFINE: &str = "DEFINE A AS MOD(A.v, 2) = 1, B AS MOD(B.v, 2) = 0 AND B.v < 10, C AS C.v >= 10";

#[test]
fn groups() {
    let one = |pattern: &str| {
        let measures = "MEASURES FIRST(v) AS f, COUNT(A.v) AS a, COUNT(B.v) AS b, LAST(A.v, 1) AS before, C.v AS c";
        matched(&format!("{measures} AFTER MATCH SKIP PAST LAST ROW PATTERN ({pattern}) {DEFINE}"), 1).unwrap()
    };
    assert_eq!(one("(A B)+ C"), ["1 2 2 1 10", "1 1 1 - 12", "5 1 1 - 20"]);
    assert_eq!(one("(A B){2} C"), ["1 2 2 1 10"]);
    assert_eq!(one("(A B)+? C"), ["1 2 2 1 10", "1 1 1 - 12", "5 1 1 - 20"]);
    assert_eq!(one("(A B?)+ C"), ["1 2 2 1 10", "7 2 1 7 12", "5 1 1 - 20"]);
}

#[test]
fn alternations_and_the_name_of_a_variable() {
    let clauses = |pattern: &str| {
        let measures = "MEASURES FIRST(CLASSIFIER()) AS one, CLASSIFIER() AS two, A.v AS a, B.v AS b, C.v AS c, MATCH_NUMBER() AS n";
        format!("{measures} AFTER MATCH SKIP PAST LAST ROW PATTERN ({pattern}) {DEFINE}")
    };
    let expected = ["B C - 4 10 1", "B C - 2 12 2", "B C - 6 20 3"];
    assert_eq!(matched(&clauses("(A | B) C"), 1).unwrap(), expected);
    assert_eq!(matched(&clauses("(A | B) C"), 2).unwrap(), expected);
    // Both take an odd row; the first one counts.
    let both = |pattern: &str| {
        let measures = "MEASURES FIRST(CLASSIFIER()) AS one, FIRST(v) AS f AFTER MATCH SKIP PAST LAST ROW";
        matched(&format!("{measures} PATTERN ({pattern}) {DEFINE}, D AS D.v > 0"), 1).unwrap()
    };
    assert_eq!(both("(A | D) B"), ["A 1", "A 3", "A 1", "A 5"]);
    assert_eq!(both("(D | A) B"), ["D 1", "D 3", "D 1", "D 5"]);
}

#[test]
fn all_rows_per_match() {
    let clauses = format!(
        "MEASURES CLASSIFIER() AS name, COUNT(*) AS n, SUM(A.v) AS s, FINAL LAST(v) AS last_v, MATCH_NUMBER() AS m
         ALL ROWS PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A B C) {DEFINE}"
    );
    let rows = matched(&clauses, 1).unwrap();
    let expected = [
        "A 1 3 10 1 3 2024-01-01 00:00:02.000",
        "B 2 3 10 1 4 2024-01-01 00:00:03.000",
        "C 3 3 10 1 10 2024-01-01 00:00:04.000",
        "A 1 1 12 2 1 2024-01-01 00:00:06.000",
        "B 2 1 12 2 2 2024-01-01 00:00:07.000",
        "C 3 1 12 2 12 2024-01-01 00:00:08.000",
        "A 1 5 20 3 5 2024-01-01 00:00:36.000",
        "B 2 5 20 3 6 2024-01-01 00:00:40.000",
        "C 3 5 20 3 20 2024-01-01 00:00:44.000",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn matches_that_ran_out_of_time() {
    let clauses = |more: &str| {
        format!(
            "MEASURES A.v AS a, B.v AS b, C.v AS c, MATCH_TIMED_OUT() AS late, MATCH_ROWTIME() AS at
             AFTER MATCH SKIP PAST LAST ROW PATTERN (A B C) WITHIN INTERVAL '3' SECOND {more} {DEFINE}"
        )
    };
    let complete = ["3 4 10 FALSE 2024-01-01 00:00:04.000", "1 2 12 FALSE 2024-01-01 00:00:08.000"];
    assert_eq!(matched(&clauses(""), 1).unwrap(), complete);
    let with_late = ["3 4 10 FALSE 2024-01-01 00:00:04.000", "1 2 12 FALSE 2024-01-01 00:00:08.000", "5 - - TRUE 2024-01-01 00:00:39.000"];
    assert_eq!(matched(&clauses("WITH TIMED OUT MATCHES"), 1).unwrap(), with_late);
}

#[test]
fn errors_say_what_to_write() {
    let error = |clauses: &str| matched(clauses, 1).unwrap_err();
    for (clauses, what) in [
        (format!("MEASURES A.v AS a PATTERN (A B+) {DEFINE}"), "B is greedy and stands at the end"),
        (format!("MEASURES A.v AS a PATTERN (A+ B? C) {DEFINE}"), "B is optional and follows A, which is greedy"),
        (format!("MEASURES A.v AS a PATTERN (A*? B*?) {DEFINE}"), "can match without any row"),
        (format!("MEASURES Z.v AS a PATTERN (A B) {DEFINE}"), "Z is neither a variable of the pattern nor a column"),
        (format!("MEASURES A.w AS a PATTERN (A B) {DEFINE}"), "column 'w' not found"),
        (format!("MEASURES SUM(A.v + B.v) AS a PATTERN (A B) {DEFINE}"), "SUM goes over the rows of one variable"),
        (format!("MEASURES NEXT(A.v + B.v) AS a PATTERN (A B) {DEFINE}"), "NEXT looks ahead from the row of one variable"),
        (format!("MEASURES NEXT(PREV(A.v)) AS a PATTERN (A B) {DEFINE}"), "PREV cannot stand in an expression in NEXT"),
        (format!("MEASURES FIRST(NEXT(A.v)) AS a PATTERN (A B) {DEFINE}"), "NEXT cannot stand in FIRST or LAST"),
        (format!("MEASURES NEXT(A.v, -1) AS a PATTERN (A B) {DEFINE}"), "the offset of NEXT is a whole number"),
        (format!("MEASURES PREV(A.v + B.v) AS a PATTERN (A B) {DEFINE}"), "PREV looks back from the row of one variable"),
        (format!("MEASURES PREV(Z.v) AS a PATTERN (A B) {DEFINE}"), "Z is neither a variable of the pattern nor a column"),
        (format!("MEASURES PREV(1) AS a PATTERN (A B) {DEFINE}"), "PREV takes a value of a row"),
        (format!("MEASURES PREV(A.v, B.v) AS a PATTERN (A B) {DEFINE}"), "the offset of PREV is a whole number"),
        (format!("MEASURES PREV(PREV(A.v)) AS a PATTERN (A B) {DEFINE}"), "PREV cannot stand in an expression in PREV"),
        (format!("MEASURES PREV(SUM(A.v)) AS a PATTERN (A B) {DEFINE}"), "SUM cannot stand in an expression in PREV"),
        (format!("MEASURES LAST(PREV(A.v), 1) AS a PATTERN (A B) {DEFINE}"), "PREV cannot stand in FIRST or LAST"),
        (format!(", v MEASURES PREV(A.v) AS a PATTERN (A B) {DEFINE}"), "PREV goes by time alone"),
        (format!("MEASURES A.v AS k PATTERN (A B) {DEFINE}"), "two columns of MATCH_RECOGNIZE are called 'k'"),
        (format!("MEASURES A.v AS a PATTERN (A B A) {DEFINE}"), "A stands twice in the pattern"),
        (format!("MEASURES A.v AS a AFTER MATCH SKIP TO Z PATTERN (A B) {DEFINE}"), "AFTER MATCH cannot skip to Z"),
        (format!("MEASURES A.v AS a AFTER MATCH SKIP TO FIRST A PATTERN (A B) {DEFINE}"), "the match begins there"),
        ("MEASURES A.v AS a PATTERN (A B) DEFINE A AS A.v + 1".to_string(), "the DEFINE of A is no condition"),
        ("MEASURES A.v AS a PATTERN (A B) WITHIN INTERVAL '1' MONTH DEFINE A AS TRUE".to_string(), "WITHIN takes an interval"),
    ] {
        let got = error(&clauses);
        assert!(got.contains(what), "{clauses}: {got}");
    }
}

#[test]
fn loops_within_loops_are_one_loop() {
    let one = |pattern: &str| {
        let measures = "MEASURES FIRST(v) AS f, COUNT(A.v) AS a, C.v AS c AFTER MATCH SKIP PAST LAST ROW";
        matched(&format!("{measures} PATTERN ({pattern}) DEFINE A AS A.v < 10, C AS C.v >= 10"), 1).unwrap()
    };
    let plain = one("A+ C");
    assert_eq!(plain, ["1 4 10", "7 3 12", "5 2 20"]);
    for nested in ["(A+)+ C", "((A+)+)+ C", "(A{1,2})+ C", "((A)+){1,} C"] {
        assert_eq!(one(nested), plain, "{nested}");
    }
}

#[test]
fn partial_matches_are_limited() {
    let all = "A AS A.v > 0, B AS B.v > 0, D AS D.v > 0, E AS E.v > 0, C AS C.v > 100";
    let error = matched(&format!("MEASURES C.v AS c PATTERN ((A | B | D | E)+? C) DEFINE {all}"), 1).unwrap_err();
    assert!(error.contains("the pattern ((A | B | D | E)+? C) has more than 1000000 partial matches of one key"), "{error}");
}

/// Key, value and second of rows: out of order, two of the same time, a value that is NULL, and one row (99) behind the watermark.
const ROWS: [(&str, Option<i64>, u32); 14] = [
    ("a", Some(10), 1),
    ("b", Some(5), 1),
    ("a", Some(12), 3),
    ("a", Some(11), 2),
    ("b", None, 2),
    ("b", Some(7), 3),
    ("a", Some(20), 6),
    ("a", Some(99), 2),
    ("a", Some(15), 6),
    ("b", Some(6), 7),
    ("a", Some(16), 8),
    ("b", Some(9), 8),
    ("a", Some(3), 9),
    ("b", Some(8), 9),
];

/// A table of such rows, 3 seconds of which may be out of order.
struct Table {
    folder: tempfile::TempDir,
    rows: usize,
}

impl Table {
    fn of(rows: &[(&str, Option<i64>, u32)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let line = |(k, v, second): &(&str, Option<i64>, u32)| {
            let v = v.map_or("null".into(), |v| v.to_string());
            let (minute, second) = (second / 60, second % 60);
            format!("{{\"k\":\"{k}\",\"v\":{v},\"ts\":\"2024-01-01 00:{minute:02}:{second:02}\"}}\n")
        };
        std::fs::write(folder.path().join("t.json"), rows.iter().map(line).collect::<String>()).unwrap();
        Self { folder, rows: rows.len() }
    }

    fn script(&self, query: &str) -> String {
        let file = self.folder.path().join("t.json");
        format!(
            "CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '3' SECOND)
             WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'json', 'scan.watermark.emit.strategy' = 'on-event');
             {query};",
            file.display()
        )
    }

    /// The rows of a query, sorted, cells joined by a blank: the same on one worker and on two, row by row and all at once, and
    /// killed again and again.
    fn query(&self, query: &str) -> Vec<String> {
        let sql = self.script(query);
        let mut seen: Vec<Vec<String>> = vec![];
        for workers in [1, 2] {
            for tick_rows in [Some(1), Some(3), None] {
                let state = tempfile::tempdir().unwrap();
                seen.push(rows_of(&collect(&sql, &options(state.path(), workers, tick_rows)).unwrap(), usize::MAX));
            }
        }
        seen.push(killed(&sql, self.rows.div_ceil(20)));
        seen.iter_mut().for_each(|rows| rows.sort());
        seen.iter().for_each(|rows| assert_eq!(rows, &seen[0], "{query}"));
        seen.remove(0)
    }
}

fn options(state_dir: &Path, workers: usize, tick_rows_max: Option<usize>) -> RunOptions {
    RunOptions { state_dir: state_dir.to_path_buf(), parallelism: Some(workers), tick_rows_max, ..RunOptions::default() }
}

fn rows_of(collected: &Collected, most: usize) -> Vec<String> {
    let cell = |c: &Option<String>| c.clone().unwrap_or("-".into());
    collected.rows.iter().take(most).map(|(_, cells)| cells.iter().map(cell).collect::<Vec<_>>().join(" ")).collect()
}

/// Killed after some ticks, restored on another number of workers, until it ends.
fn killed(sql: &str, tick_rows: usize) -> Vec<String> {
    let state = tempfile::tempdir().unwrap();
    let mut rows = vec![];
    for life in 0..100 {
        let limits = RunOptions {
            checkpoint_every_ticks: Some(1),
            abandon_after_ticks: Some(3),
            ..options(state.path(), 1 + life % 2, Some(tick_rows))
        };
        let collected = collect(sql, &limits).unwrap();
        if collected.outcome == Outcome::Finished {
            rows.extend(rows_of(&collected, usize::MAX));
            return rows;
        }
        rows.extend(rows_of(&collected, collected.committed_rows));
    }
    panic!("it did not end");
}

/// A rising value, then a falling one.
const RISE_AND_FALL: &str = "AFTER MATCH SKIP PAST LAST ROW PATTERN (A B) DEFINE A AS v > PREV(v), B AS B.v < PREV(B.v)";

#[test]
fn rows_before_a_row() {
    let table = Table::of(&ROWS);
    let by =
        |order: &str, clauses: &str| table.query(&format!("SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY {order} {clauses})"));
    // The rows of a: 10 11 12 20 15 16 3; those of b: 5 NULL 7 6 9 8.
    let far = format!("MEASURES A.v AS a, B.v AS b, PREV(A.v, 2) AS two, PREV(B.v + 1, 4) AS four, PREV(B.v, 0) AS none {RISE_AND_FALL}");
    assert_eq!(by("ts", &far), ["a 16 3 20 13 3", "a 20 15 11 11 15", "b 9 8 7 - 8"]);
    // As they came: 10 12 11 20 99 15 16 3.
    assert_eq!(by("proc", &far), ["a 12 11 - - 11", "a 16 3 99 21 3", "a 99 15 11 13 15", "b 9 8 7 - 8"]);
    let loops = "MEASURES FIRST(A.v) AS f, PREV(FIRST(A.v)) AS before, PREV(LAST(A.v, 1), 2) AS far, B.v AS b
                 AFTER MATCH SKIP PAST LAST ROW PATTERN (A+ B) DEFINE A AS A.v > PREV(A.v), B AS B.v < PREV(B.v)";
    assert_eq!(by("ts", loops), ["a 11 10 10 15", "a 16 15 - 3", "b 9 6 - 8"]);
    let none = "MEASURES A.v AS a PATTERN (A) DEFINE A AS PREV(v) IS NULL";
    assert_eq!(by("ts", none), ["a 10", "b 5", "b 7"]);
    let of_another = "MEASURES A.v AS a, B.v AS b PATTERN (A B) DEFINE A AS A.v < PREV(A.v), B AS B.v > PREV(A.v)";
    assert_eq!(by("ts", of_another), ["b 6 9"]);
}

#[test]
fn rows_before_each_row_of_a_match() {
    let clauses =
        format!("MEASURES PREV(v) AS one, PREV(FIRST(v)) AS first, PREV(FINAL LAST(v), 2) AS far ALL ROWS PER MATCH {RISE_AND_FALL}");
    let query = format!("SELECT * FROM (SELECT k, v, ts FROM t) MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts {clauses})");
    let table = Table::of(&ROWS);
    let expected = [
        "a 12 12 12 20 2024-01-01 00:00:06.000",
        "a 15 15 15 16 2024-01-01 00:00:08.000",
        "a 16 15 15 3 2024-01-01 00:00:09.000",
        "a 20 12 12 15 2024-01-01 00:00:06.000",
        "b 6 6 6 9 2024-01-01 00:00:08.000",
        "b 9 6 6 8 2024-01-01 00:00:09.000",
    ];
    assert_eq!(table.query(&query), expected);
    let state = tempfile::tempdir().unwrap();
    let schema = collect(&table.script(&query), &options(state.path(), 1, None)).unwrap().schema;
    assert_eq!(schema.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["k", "one", "first", "far", "v", "ts"]);
}

#[test]
fn rows_before_a_row_in_batch_mode() {
    let clauses = format!("MEASURES A.v AS a, B.v AS b, PREV(A.v, 2) AS two, PREV(B.v, 4) AS four {RISE_AND_FALL}");
    let query = format!("SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts {clauses})");
    let table = Table::of(&ROWS);
    let sql = format!("SET 'execution.runtime-mode' = 'batch'; {}", table.script(&query));
    for (workers, tick_rows) in [(1, Some(1)), (2, Some(3)), (2, None)] {
        let state = tempfile::tempdir().unwrap();
        let mut rows = rows_of(&collect(&sql, &options(state.path(), workers, tick_rows)).unwrap(), usize::MAX);
        rows.sort();
        // Nothing is late: the rows of a are 10 11 99 12 20 15 16 3.
        assert_eq!(rows, ["a 16 3 20 12", "a 20 15 99 11", "a 99 12 10 -", "b 9 8 7 -"]);
    }
}

/// Rows of three keys in some order, up to 3 seconds out of it. With `apart`, no two rows of a key have the same time.
fn some_rows(mut seed: u64, apart: bool) -> Vec<(&'static str, Option<i64>, u32)> {
    let mut below = |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    let mut rows: Vec<(&str, Option<i64>, u32)> = vec![];
    for i in 0..300_u32 {
        let value = (below(10) > 0).then(|| below(20) as i64);
        let second = if apart { i } else { i / 2 + below(3) as u32 };
        rows.push((["x", "y", "z"][below(3) as usize], value, second));
    }
    if apart {
        rows.chunks_mut(3).for_each(|few| few.swap(0, below(few.len() as u64) as usize));
    }
    rows
}

#[test]
fn rows_before_a_row_are_those_of_lag() {
    let define = |a: &str, b: &str| {
        format!("AFTER MATCH SKIP TO NEXT ROW PATTERN (A+ B) DEFINE A AS A.v >= {a} OR A.v > 17, B AS B.v < {b} - LAST(A.v, 1)")
    };
    for seed in 0..4 {
        let table = Table::of(&some_rows(seed, true));
        let over = "OVER (PARTITION BY k ORDER BY ts)";
        let before = table.query(&format!(
            "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts
             MEASURES FIRST(A.v) AS f, B.v AS b, PREV(LAST(A.v, 1), 2) AS two {})",
            define("PREV(A.v)", "PREV(B.v * 3, 2)")
        ));
        let by_hand = table.query(&format!(
            "SELECT * FROM (SELECT *, LAG(v) {over} AS l1, LAG(v, 2) {over} AS l2, LAG(v * 3, 2) {over} AS l3 FROM t)
             MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES FIRST(A.v) AS f, B.v AS b, LAST(A.l2, 1) AS two {})",
            define("A.l1", "B.l3")
        ));
        assert!(before.len() > 10, "{}", before.len());
        assert_eq!(before, by_hand);
    }
}

#[test]
fn rows_before_a_row_among_rows_of_the_same_time() {
    for seed in 0..4 {
        let rows = some_rows(seed, false);
        let mut expected = vec![];
        for key in ["x", "y", "z"] {
            let mut of_key: Vec<_> = rows.iter().filter(|(k, ..)| *k == key).collect();
            of_key.sort_by_key(|(_, _, second)| *second);
            let value = |at: usize, back: usize| at.checked_sub(back).and_then(|at| of_key[at].1);
            let is = |a: Option<i64>, than: fn(&i64, &i64) -> bool, b: Option<i64>| a.zip(b).is_some_and(|(a, b)| than(&a, &b));
            let mut at = 0;
            while at + 1 < of_key.len() {
                if is(value(at, 0), i64::gt, value(at, 1)) && is(value(at + 1, 0), i64::lt, value(at + 1, 3)) {
                    let text = |v: Option<i64>| v.map_or("-".to_string(), |v| v.to_string());
                    let cells = [value(at, 0), value(at + 1, 0), value(at, 2)].map(text);
                    expected.push(format!("{key} {}", cells.join(" ")));
                    at += 1;
                }
                at += 1;
            }
        }
        expected.sort();
        let got = Table::of(&rows).query(
            "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.v AS a, B.v AS b, PREV(A.v, 2) AS two
             AFTER MATCH SKIP PAST LAST ROW PATTERN (A B) DEFINE A AS A.v > PREV(A.v), B AS B.v < PREV(B.v, 3))",
        );
        assert!(got.len() > 10, "{}", got.len());
        assert_eq!(got, expected);
    }
}

#[test]
fn rows_behind_a_row() {
    let one = |clauses: &str, workers| matched(clauses, workers).unwrap();
    let falls = "MEASURES A.v AS a, NEXT(A.v) AS one, NEXT(A.v + 1, 2) AS two, NEXT(A.v, 0) AS none
                 PATTERN (A) DEFINE A AS A.v > NEXT(A.v)";
    for workers in [1, 2] {
        assert_eq!(one(falls, workers), ["10 7 2 10", "7 1 3 7", "12 5 7 12"]);
    }
    assert_eq!(one("MEASURES A.v AS a PATTERN (A) DEFINE A AS NEXT(v) IS NULL", 1), ["20"]);
    let first = "MEASURES FIRST(A.v) AS f, NEXT(FIRST(A.v), 4) AS far, NEXT(LAST(A.v, 1)) AS mid, B.v AS b
                 AFTER MATCH SKIP PAST LAST ROW PATTERN (A+ B) DEFINE A AS A.v < NEXT(A.v), B AS B.v > PREV(B.v)";
    assert_eq!(one(first, 1), ["1 10 4 10", "1 6 2 12", "5 - 6 20"]);
    let each = "MEASURES NEXT(v) AS one, NEXT(FINAL LAST(v), 2) AS far ALL ROWS PER MATCH
                AFTER MATCH SKIP PAST LAST ROW PATTERN (A B) DEFINE A AS A.v > 9, B AS B.v > NEXT(B.v)";
    assert_eq!(one(each, 1), ["7 2 10 2024-01-01 00:00:04.000", "1 2 7 2024-01-01 00:00:05.000"]);
    // The rows at 32, 36, 40 and 44 seconds: 12 5 6 20.
    let late = "MEASURES A.v AS a, NEXT(A.v) AS one, B.v AS b, MATCH_TIMED_OUT() AS late PATTERN (A B) WITHIN INTERVAL '3' SECOND
                WITH TIMED OUT MATCHES DEFINE A AS A.v < NEXT(A.v) AND A.v > 2, B AS B.v > 100";
    assert_eq!(one(late, 1), ["5 6 - TRUE", "6 20 - TRUE"]);
}

#[test]
fn rows_behind_a_row_among_rows_of_the_same_time() {
    for seed in 0..4 {
        let rows = some_rows(seed, false);
        let mut expected = vec![];
        for key in ["x", "y", "z"] {
            let mut of_key: Vec<_> = rows.iter().filter(|(k, ..)| *k == key).collect();
            of_key.sort_by_key(|(_, _, second)| *second);
            let value = |at: usize| of_key.get(at).and_then(|row| row.1);
            let is = |a: Option<i64>, than: fn(&i64, &i64) -> bool, b: Option<i64>| a.zip(b).is_some_and(|(a, b)| than(&a, &b));
            let mut at = 0;
            while at + 1 < of_key.len() {
                if is(value(at), i64::gt, value(at + 1)) && is(value(at + 1), i64::lt, value(at + 4)) {
                    let text = |v: Option<i64>| v.map_or("-".to_string(), |v| v.to_string());
                    let cells = [value(at), value(at + 1), value(at + 2)].map(text);
                    expected.push(format!("{key} {}", cells.join(" ")));
                    at += 1;
                }
                at += 1;
            }
        }
        expected.sort();
        let got = Table::of(&rows).query(
            "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.v AS a, B.v AS b, NEXT(A.v, 2) AS two
             AFTER MATCH SKIP PAST LAST ROW PATTERN (A B) DEFINE A AS A.v > NEXT(A.v), B AS B.v < NEXT(B.v, 3))",
        );
        assert!(got.len() > 10, "{}", got.len());
        assert_eq!(got, expected);
    }
}

#[test]
fn rows_behind_a_row_are_those_of_lead_in_batch_mode() {
    let define = |a: &str, b: &str| {
        format!(
            "AFTER MATCH SKIP TO NEXT ROW PATTERN (A+ B) WITHIN INTERVAL '20' SECOND DEFINE A AS A.v >= {a} OR A.v > 17, B AS B.v < {b}"
        )
    };
    for seed in 0..4 {
        let table = Table::of(&some_rows(seed, true));
        let next = format!(
            "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES FIRST(A.v) AS f, B.v AS b, NEXT(LAST(A.v, 1), 2) AS two {})",
            define("NEXT(A.v)", "NEXT(B.v * 3, 2) - PREV(B.v)")
        );
        let over = "OVER (PARTITION BY k ORDER BY ts)";
        let by_hand = format!(
            "SELECT * FROM (SELECT *, LEAD(v) {over} AS l1, LEAD(v, 2) {over} AS l2, LEAD(v * 3, 2) {over} AS l3, LAG(v) {over} AS b1 FROM t)
             MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES FIRST(A.v) AS f, B.v AS b, LAST(A.l2, 1) AS two {})",
            define("A.l1", "B.l3 - B.b1")
        );
        let in_batch = |query: &str| {
            let state = tempfile::tempdir().unwrap();
            let sql = format!("SET 'execution.runtime-mode' = 'batch'; {}", table.script(query));
            let mut rows = rows_of(&collect(&sql, &options(state.path(), 2, Some(7))).unwrap(), usize::MAX);
            rows.sort();
            rows
        };
        let expected = in_batch(&by_hand);
        assert!(expected.len() > 10, "{}", expected.len());
        assert_eq!(in_batch(&next), expected);
        assert_eq!(table.query(&next), expected);
    }
}
