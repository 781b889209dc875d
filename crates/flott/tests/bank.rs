//! The bank test: money moves between accounts, and at the end of every tick every view of it must be the answer for exactly the
//! transfers read until then. So none is made or lost, in any view, over any number of workers and any size of ticks, through kills.
//!
//! Transfers come out of order, some twice, some corrected by a later version of themselves. The views of a query are one result
//! (UNION ALL, a column tells the view), so that one look at a tick's end sees them all; the view `read` counts the rows read, and
//! a model that is told just those rows says what the others must hold. The idea is from Jamie Brandon, "Internal consistency in
//! streaming systems" (2021).
#![allow(clippy::unwrap_used)]

#[path = "bank/models.rs"]
mod models;
#[path = "bank/watch.rs"]
mod watch;

use std::fmt::Write as _;
use std::path::Path;

use flott::{Collected, Outcome, RunOptions, collect};
use models::{Immediate, Model, Windowed};
use watch::{Change, check, ticks};

/// Different transfers in a run; with duplicates and corrections about a tenth more rows.
const TRANSFERS: i64 = 1_700;
const ACCOUNTS: i64 = 10;
/// Seconds of event time that the transfers of a run cover.
const SECONDS: i64 = 60;
/// A transfer arrives up to so many seconds after its time.
const JITTER_SECONDS: i64 = 10;
const WORKERS: [usize; 3] = [1, 2, 4];
const TICK_ROWS: [usize; 3] = [1, 7, 1_000];
/// Ticks that each of the two main tests must have looked at.
const TICKS_MIN: usize = 5_000;

/// A row of the table `transactions`.
#[derive(Debug, Clone, Copy)]
struct Transfer {
    id: i64,
    /// A higher one replaces a lower one.
    version: i64,
    from: i64,
    to: i64,
    amount: i64,
    /// Event time, seconds after the start.
    second: i64,
}

/// Small generator of numbers (Knuth's MMIX constants), so that every run sees the same transfers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % end as u64) as i64
    }
}

/// Transfers in the order in which they arrive.
fn transfers() -> Vec<Transfer> {
    let mut numbers = Numbers(42);
    let mut arriving = vec![];
    for id in 0..TRANSFERS {
        let (from, to) = (numbers.below(ACCOUNTS), numbers.below(ACCOUNTS));
        let second = SECONDS * id / TRANSFERS;
        let first = Transfer { id, version: 1, from, to, amount: 1 + numbers.below(9), second };
        let mut arrives = |row: Transfer, numbers: &mut Numbers| {
            let at_ms = row.second * 1_000 + numbers.below(JITTER_SECONDS * 1_000);
            arriving.push((at_ms, row));
        };
        arrives(first, &mut numbers);
        match numbers.below(20) {
            0 => arrives(first, &mut numbers),
            1 => {
                let other = Transfer { version: 2, to: numbers.below(ACCOUNTS), amount: 1 + numbers.below(9), ..first };
                arrives(other, &mut numbers);
            }
            _ => {}
        }
    }
    arriving.sort_by_key(|(at_ms, _)| *at_ms);
    arriving.into_iter().map(|(_, row)| row).collect()
}

/// Writes the transfers into `folder` and gives the script of a query over them.
fn script(folder: &Path, views: &str, rows: &[Transfer]) -> String {
    let mut text = String::new();
    for row in rows {
        let Transfer { id, version, from, to, amount, second } = row;
        writeln!(text, "{id},{version},{from},{to},{amount},2024-05-01 00:{:02}:{:02}", second / 60, second % 60).unwrap();
    }
    let path = folder.join("transactions.csv");
    std::fs::write(&path, text).unwrap();
    views.replace("${PATH}", path.to_str().unwrap())
}

/// A query and the model of its views.
struct Bank {
    sql: String,
    model: fn() -> Box<dyn Model>,
    rows: Vec<Transfer>,
    /// Holds the file of transfers, and the checkpoints of runs that are killed.
    folder: tempfile::TempDir,
}

impl Bank {
    fn new(views: &str, model: fn() -> Box<dyn Model>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rows = transfers();
        Self { sql: script(folder.path(), views, &rows), model, rows, folder }
    }

    fn immediate() -> Self {
        Self::new(include_str!("bank/immediate.sql"), || Box::new(Immediate::default()))
    }

    fn windowed() -> Self {
        Self::new(include_str!("bank/windowed.sql"), || Box::new(Windowed::default()))
    }

    fn run(&self, options: RunOptions) -> Collected {
        collect(&self.sql, &RunOptions { state_dir: self.folder.path().join("state"), ..options }).unwrap()
    }

    fn plain(&self, workers: usize, tick_rows: usize) -> Vec<Vec<Change>> {
        let options = RunOptions { parallelism: Some(workers), tick_rows_max: Some(tick_rows), ..RunOptions::default() };
        let collected = self.run(options);
        ticks(&collected, collected.rows.len())
    }

    /// Killed again and again, and restored on another number of workers.
    fn killed(&self, tick_rows: usize) -> (Vec<Vec<Change>>, usize) {
        let mut all = vec![];
        for life in 0..1_000_usize {
            let options = RunOptions {
                parallelism: Some(WORKERS[life % WORKERS.len()]),
                tick_rows_max: Some(tick_rows),
                checkpoint_every_ticks: Some(3),
                abandon_after_ticks: Some(11 + life as u64 % 17),
                ..RunOptions::default()
            };
            let collected = self.run(options);
            if collected.outcome == Outcome::Finished {
                all.extend(ticks(&collected, collected.rows.len()));
                return (all, life);
            }
            all.extend(ticks(&collected, collected.committed_rows));
        }
        panic!("it did not end");
    }

    fn check(&self, what: &str, ticks: &[Vec<Change>]) -> usize {
        if let Err(wrong) = check(ticks, (self.model)().as_mut(), &self.rows) {
            panic!("{what}: {wrong}");
        }
        ticks.len()
    }

    fn check_all(&self) {
        let mut looked_at = 0;
        for workers in WORKERS {
            for tick_rows in TICK_ROWS {
                looked_at += self.check(&format!("{workers} workers, {tick_rows} rows a tick"), &self.plain(workers, tick_rows));
            }
        }
        assert!(looked_at >= TICKS_MIN, "looked at {looked_at} ticks only");
    }
}

#[test]
fn no_money_is_made_or_lost() {
    Bank::immediate().check_all();
}

#[test]
fn windows_and_running_views_agree() {
    Bank::windowed().check_all();
}

#[test]
fn no_money_is_made_or_lost_by_kills() {
    for bank in [Bank::immediate(), Bank::windowed()] {
        let (ticks, kills) = bank.killed(7);
        bank.check(&format!("{kills} kills"), &ticks);
        assert!(kills >= 10, "killed {kills} times only");
    }
}

/// Spoils the ticks of a run.
type Fault<'a> = &'a dyn Fn(&mut Vec<Vec<Change>>);

/// A test that never fails proves nothing: faults planted into a good run are found.
#[test]
fn planted_faults_are_found() {
    let bank = Bank::immediate();
    let good = bank.plain(1, 7);
    bank.check("without a fault", &good);
    let middle = good.len() / 2;
    let at = |adds: bool| good[middle].iter().position(|c| c.adds == adds && c.key.view != "read").unwrap();
    let faults: [(&str, Fault); 6] = [
        ("a lost retraction", &|t| drop(t[middle].remove(at(false)))),
        ("a lost row", &|t| drop(t[middle].remove(at(true)))),
        ("a row shown a tick late", &|t| {
            let late = t[middle].remove(at(true));
            t[middle + 1].insert(0, late);
        }),
        ("a row shown twice", &|t| {
            let twice = t[middle][at(true)].clone();
            t[middle].push(twice);
        }),
        ("a row shown a tick early", &|t| {
            let early = t[middle].remove(at(true));
            t[middle - 1].push(early);
        }),
        ("a wrong value", &|t| t[middle][at(true)].value.0 += 1),
    ];
    for (what, plant) in faults {
        let mut bad = good.clone();
        plant(&mut bad);
        assert!(check(&bad, (bank.model)().as_mut(), &bank.rows).is_err(), "{what} was not found");
    }
}
