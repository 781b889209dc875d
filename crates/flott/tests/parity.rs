//! Every parity case against the answer of a real Flink: with 1, 2 and 4 workers, with ticks of 1 row, 7 rows and all rows, and with
//! kills and restores on another number of workers in the middle.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use flott::{Collected, Outcome, RunOptions, collect};
use flott_engine::RowKind;

struct Case {
    name: String,
    sql: String,
    golden: Golden,
    /// `-- in order` in the script: the order of rows counts.
    ordered: bool,
}

enum Golden {
    Refused,
    Rows { names: Vec<String>, rows: Vec<(RowKind, String)> },
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/parity").canonicalize().unwrap()
}

fn cases() -> Vec<Case> {
    let filter = std::env::var("PARITY").unwrap_or_default();
    let mut cases = vec![];
    for group in std::fs::read_dir(folder()).unwrap().flatten().filter(|e| e.path().is_dir()) {
        for file in std::fs::read_dir(group.path()).unwrap().flatten() {
            let path = file.path();
            if path.extension().is_some_and(|e| e == "sql") {
                let name = format!("{}/{}", group.file_name().display(), path.file_stem().unwrap().display());
                if name.contains(&filter)
                    && let Ok(golden) = std::fs::read_to_string(path.with_extension("golden"))
                {
                    let data = folder().join("data");
                    let sql = std::fs::read_to_string(&path).unwrap().replace("${DATA}", data.to_str().unwrap());
                    let golden = read_golden(&golden, data.to_str().unwrap(), upsert_key(&sql));
                    let ordered = sql.lines().any(|line| line == "-- in order");
                    cases.push(Case { name, sql, golden, ordered });
                }
            }
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

/// `-- upsert key: N` in a script: Flink's changelog is keyed by the first N columns and leaves `-U` out.
fn upsert_key(sql: &str) -> Option<usize> {
    sql.lines().find_map(|line| line.strip_prefix("-- upsert key: ")).map(|n| n.trim().parse().unwrap())
}

/// Puts the `-U` rows in that an upsert changelog leaves out.
fn with_retractions(rows: Vec<(RowKind, String)>, key: usize) -> Vec<(RowKind, String)> {
    let mut current: BTreeMap<String, String> = BTreeMap::new();
    let mut all = vec![];
    for (kind, row) in rows {
        let of: String = row.split('\t').take(key).collect::<Vec<_>>().join("\t");
        let old = if kind.adds() { current.insert(of, row.clone()) } else { current.remove(&of) };
        all.extend(old.map(|old| (RowKind::UpdateBefore, old)));
        if kind.adds() {
            all.push((kind, row));
        }
    }
    all
}

fn read_golden(text: &str, data: &str, upsert_key: Option<usize>) -> Golden {
    if text.starts_with("error:") {
        return Golden::Refused;
    }
    let mut lines = text.lines();
    let names = column_names(lines.next().unwrap().strip_prefix("# schema: ").unwrap());
    let kind = |s: &str| match s {
        "+I" => RowKind::Insert,
        "-U" => RowKind::UpdateBefore,
        "+U" => RowKind::UpdateAfter,
        _ => RowKind::Delete,
    };
    let rows = lines.map(|l| l.split_once('\t').unwrap_or((l, ""))).map(|(k, v)| (kind(k), v.replace("${DATA}", data))).collect();
    let rows = match upsert_key {
        Some(key) => with_retractions(rows, key),
        None => rows,
    };
    Golden::Rows { names, rows }
}

/// Names of `name TYPE, name TYPE, …`; types may hold commas in brackets.
fn column_names(schema: &str) -> Vec<String> {
    let (mut depth, mut start, mut names) = (0, 0, vec![]);
    let bytes = schema.as_bytes();
    for i in 0..=bytes.len() {
        match bytes.get(i) {
            Some(b'(' | b'<') => depth += 1,
            Some(b')' | b'>') => depth -= 1,
            Some(b',') | None if depth == 0 => {
                let column = schema[start..i].trim();
                let name = match column.strip_prefix('`') {
                    Some(rest) => rest.split('`').next().unwrap(),
                    None => column.split(' ').next().unwrap(),
                };
                names.push(name.to_string());
                start = i + 1;
            }
            _ => {}
        }
    }
    names
}

fn row_text(row: &[Option<String>]) -> String {
    let mut text = String::new();
    for (i, value) in row.iter().enumerate() {
        if i > 0 {
            text.push('\t');
        }
        match value.as_deref() {
            None => text.push_str("<NULL>"),
            Some("<NULL>") => text.push_str("\\<NULL>"),
            Some(v) => v.chars().for_each(|c| match c {
                '\\' => text.push_str("\\\\"),
                '\t' => text.push_str("\\t"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                c => text.push(c),
            }),
        }
    }
    text
}

/// The table that a changelog leaves: rows with their counts.
fn table<'a>(rows: impl Iterator<Item = (RowKind, &'a str)>) -> BTreeMap<&'a str, i64> {
    let mut table = BTreeMap::new();
    for (kind, row) in rows {
        *table.entry(row).or_insert(0) += if kind.adds() { 1 } else { -1 };
    }
    table.retain(|_, n| *n != 0);
    table
}

fn difference(expected: &[(RowKind, String)], got: &[(RowKind, String)]) -> Option<String> {
    let want = table(expected.iter().map(|(k, r)| (*k, r.as_str())));
    let have = table(got.iter().map(|(k, r)| (*k, r.as_str())));
    if want == have {
        return None;
    }
    let mut text = String::new();
    for (row, n) in want.iter().filter(|(r, n)| have.get(*r) != Some(n)).take(4) {
        let _ = writeln!(text, "    flink {n} × {row}");
    }
    for (row, n) in have.iter().filter(|(r, n)| want.get(*r) != Some(n)).take(4) {
        let _ = writeln!(text, "    flott {n} × {row}");
    }
    Some(text)
}

fn lines(collected: &Collected) -> Vec<(RowKind, String)> {
    collected.rows.iter().map(|(k, r)| (*k, row_text(r))).collect()
}

fn options(workers: usize, tick_rows: Option<usize>) -> RunOptions {
    RunOptions { parallelism: Some(workers), tick_rows_max: tick_rows, ..RunOptions::default() }
}

fn check_rows(case: &Case, got: &Collected, rows: &[(RowKind, String)]) -> Option<String> {
    let Golden::Rows { names, rows: expected } = &case.golden else { return None };
    let have: Vec<String> = got.schema.iter().map(|c| c.0.clone()).collect();
    if have != *names {
        return Some(format!("    flink columns {names:?}\n    flott columns {have:?}\n"));
    }
    let place = expected.iter().zip(rows).position(|(want, have)| want != have);
    match (difference(expected, rows), place.filter(|_| case.ordered)) {
        (None, Some(place)) => Some(format!("    row {place}: flink {}\n    flott {}\n", expected[place].1, rows[place].1)),
        (difference, _) => difference,
    }
}

/// A row that at the end of some tick was taken back more often than it had been given.
fn taken_back_unseen(got: &Collected, rows: &[(RowKind, String)]) -> Option<String> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    let mut start = 0;
    for end in &got.tick_ends {
        let of_tick = &rows[start..*end];
        start = *end;
        for (kind, row) in of_tick {
            *counts.entry(row).or_insert(0) += if kind.adds() { 1 } else { -1 };
        }
        if let Some((_, row)) = of_tick.iter().find(|(_, row)| counts[row.as_str()] < 0) {
            return Some(format!("    taken back before it was given: {row}\n"));
        }
    }
    None
}

/// One plain run.
fn run_plain(case: &Case, workers: usize, tick_rows: Option<usize>) -> Option<String> {
    match (collect(&case.sql, &options(workers, tick_rows)), &case.golden) {
        (Err(_), Golden::Refused) => None,
        (Ok(_), Golden::Refused) => Some("    Flink refuses it, Flott does not\n".into()),
        (Err(e), Golden::Rows { .. }) => Some(format!("    {e}\n")),
        (Ok(got), Golden::Rows { rows: expected, .. }) => {
            let rows = lines(&got);
            // Some inputs take rows back that they never gave.
            let sound = table(expected.iter().map(|(k, r)| (*k, r.as_str()))).values().all(|n| *n > 0);
            check_rows(case, &got, &rows).or_else(|| if sound { taken_back_unseen(&got, &rows) } else { None })
        }
    }
}

/// Numbers of workers, one after the other, over which a killed case is restored.
const WORKERS_OF_LIVES: [usize; 4] = [2, 4, 1, 4];

/// Killed after some ticks, restored on another number of workers, again and again until it ends.
fn run_with_kills(case: &Case, tick_rows: usize, every: u64) -> Option<String> {
    if matches!(case.golden, Golden::Refused) {
        return run_plain(case, 1, Some(tick_rows));
    }
    let state = tempfile::tempdir().unwrap();
    let mut rows = vec![];
    for attempt in 0..200_usize {
        let options = RunOptions {
            state_dir: state.path().to_path_buf(),
            checkpoint_every_ticks: Some(every),
            abandon_after_ticks: (attempt < 150).then_some(3 + attempt as u64 % 5),
            ..options(WORKERS_OF_LIVES[attempt % WORKERS_OF_LIVES.len()], Some(tick_rows))
        };
        match collect(&case.sql, &options) {
            Err(e) => return Some(format!("    attempt {attempt}: {e}\n")),
            Ok(got) => {
                let new = lines(&got);
                if got.outcome == Outcome::Finished {
                    rows.extend(new);
                    return check_rows(case, &got, &rows);
                }
                rows.extend(new.into_iter().take(got.committed_rows));
            }
        }
    }
    Some("    it did not end\n".into())
}

/// Cases that are known to differ, with the reason. A case that no longer differs must leave the list.
fn gaps() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("gaps.txt")).unwrap();
    let lines = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.map(|l| l.split_once(": ").unwrap_or((l, ""))).map(|(name, why)| (name.to_string(), why.to_string())).collect()
}

fn report(mode: &str, failures: Vec<(String, String)>, total: usize) {
    assert!(total > 0, "no parity case found");
    let mut text = format!("{mode}: {} of {total} cases differ\n", failures.len());
    for (name, what) in &failures {
        let _ = write!(text, "  {name}\n{what}");
    }
    assert!(failures.is_empty(), "{text}");
}

fn all(mode: &str, run: impl Fn(&Case) -> Option<String>) {
    let cases = cases();
    let gaps = gaps();
    let mut failures = vec![];
    for case in &cases {
        match (run(case), gaps.get(&case.name)) {
            (Some(difference), None) => failures.push((case.name.clone(), difference)),
            (None, Some(why)) if !why.starts_with("(sometimes)") => {
                failures.push((case.name.clone(), "    equal, though gaps.txt says that it differs: take it out there\n".into()));
            }
            _ => {}
        }
    }
    report(mode, failures, cases.len());
}

#[test]
fn one_worker_all_rows_in_a_tick() {
    all("1 worker, all rows", |c| run_plain(c, 1, None));
}

#[test]
fn two_workers_all_rows_in_a_tick() {
    all("2 workers, all rows", |c| run_plain(c, 2, None));
}

#[test]
fn four_workers_ticks_of_three_rows() {
    all("4 workers, 3 rows", |c| run_plain(c, 4, Some(3)));
}

#[test]
fn ticks_of_one_row() {
    all("1 worker, 1 row", |c| run_plain(c, 1, Some(1)));
    all("2 workers, 1 row", |c| run_plain(c, 2, Some(1)));
}

#[test]
fn ticks_of_seven_rows() {
    all("1 worker, 7 rows", |c| run_plain(c, 1, Some(7)));
    all("2 workers, 7 rows", |c| run_plain(c, 2, Some(7)));
}

#[test]
fn killed_and_restored_on_another_number_of_workers() {
    all("kills", |c| run_with_kills(c, 7, 2));
}
