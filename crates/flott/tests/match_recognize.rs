//! MATCH_RECOGNIZE beyond what Flink has, and how its errors read. What Flink has too is in the parity cases.
#![allow(clippy::unwrap_used)]

use flott::{RunOptions, collect};

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
        (format!("MEASURES PREV(A.v) AS a PATTERN (A B) {DEFINE}"), "PREV is not supported"),
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
