//! What the views of the bank must hold after some transfers, computed without any stream.

use std::collections::{BTreeMap, BTreeSet};

use crate::Transfer;
use crate::watch::{Key, Value};

/// How far the watermark of the table stays behind the highest time, seconds. As in `windowed.sql`.
const DELAY_SECONDS: i64 = 5;
/// Size of its windows, seconds.
const WINDOW_SECONDS: i64 = 5;

/// Views beside a query.
pub trait Model {
    /// One more row was read.
    fn read(&mut self, row: &Transfer);
    /// The input has ended.
    fn end(&mut self);
    /// What the views hold now.
    fn rows(&self) -> &BTreeMap<Key, Value>;
    /// Keys whose rows may have changed since the last call.
    fn touched(&mut self) -> BTreeSet<Key>;
}

/// Rows of views, and which of them changed.
#[derive(Default)]
struct Views {
    rows: BTreeMap<Key, Value>,
    touched: BTreeSet<Key>,
}

impl Views {
    fn set(&mut self, key: Key, value: Value) {
        self.touched.insert(key.clone());
        self.rows.insert(key, value);
    }

    fn remove(&mut self, key: Key) {
        self.rows.remove(&key);
        self.touched.insert(key);
    }
}

/// A sum and how many were added.
type Sum = (i64, i64);

fn add(sums: &mut BTreeMap<i64, Sum>, account: i64, amount: i64, n: i64) {
    let sum = sums.entry(account).or_default();
    *sum = (sum.0 + amount * n, sum.1 + n);
}

/// The views of `immediate.sql`.
#[derive(Default)]
pub struct Immediate {
    views: Views,
    accepted: BTreeMap<i64, Transfer>,
    credits: BTreeMap<i64, Sum>,
    debits: BTreeMap<i64, Sum>,
}

impl Immediate {
    fn book(&mut self, row: &Transfer, n: i64) {
        add(&mut self.credits, row.to, row.amount, n);
        add(&mut self.debits, row.from, row.amount, n);
    }

    /// Brings the rows of an account up to date.
    fn show(&mut self, account: i64) {
        let of = |view: &str| Key::new(view, None, Some(account));
        let sides = [("credits", &self.credits), ("debits", &self.debits)];
        for (view, sums) in sides {
            match sums.get(&account).filter(|s| s.1 > 0) {
                Some(sum) => self.views.set(of(view), (sum.0, Some(sum.1))),
                None => self.views.remove(of(view)),
            }
        }
        let [credits, debits] = sides.map(|(_, sums)| sums.get(&account).copied().unwrap_or_default());
        if credits.1 + debits.1 > 0 {
            self.views.set(of("balance"), (credits.0 - debits.0, None));
        } else {
            self.views.remove(of("balance"));
        }
        if credits.1 > 0 && debits.1 > 0 {
            self.views.set(of("best"), (credits.0, Some(debits.1)));
        } else {
            self.views.remove(of("best"));
        }
    }
}

impl Model for Immediate {
    fn read(&mut self, row: &Transfer) {
        let old = self.accepted.get(&row.id).copied();
        if old.is_some_and(|old| old.version >= row.version) {
            return;
        }
        self.accepted.insert(row.id, *row);
        old.inspect(|old| self.book(old, -1));
        self.book(row, 1);
        for account in old.iter().chain([row]).flat_map(|r| [r.from, r.to]).collect::<BTreeSet<_>>() {
            self.show(account);
        }
        let all = |view: &str| Key::new(view, None, None);
        let amounts: i64 = self.accepted.values().map(|r| r.amount).sum();
        self.views.set(all("accepted"), (self.accepted.len() as i64, Some(amounts)));
        self.views.set(all("total"), (0, None));
        // Each is there once, and each finds itself.
        self.views.set(Key::new("outer_join", None, Some(row.id)), (row.amount, Some(row.amount)));
    }

    fn end(&mut self) {}

    fn rows(&self) -> &BTreeMap<Key, Value> {
        &self.views.rows
    }

    fn touched(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.views.touched)
    }
}

/// The views of `windowed.sql`.
#[derive(Default)]
pub struct Windowed {
    views: Views,
    /// Highest time so far, seconds.
    highest: Option<i64>,
    /// Windows that are open, by their start: credits, then debits, by account.
    open: BTreeMap<i64, [BTreeMap<i64, Sum>; 2]>,
    /// Windows of an account's credits that are closed.
    closed: BTreeMap<i64, Vec<(i64, i64)>>,
    /// All rows to an account, late ones too.
    arrived: BTreeMap<i64, i64>,
}

impl Windowed {
    /// Closes windows whose last millisecond the watermark, in seconds, has reached.
    fn close(&mut self, watermark: i64) {
        while let Some(start) = self.open.first_key_value().map(|(start, _)| *start).filter(|s| s + WINDOW_SECONDS <= watermark) {
            let [credits, debits] = self.open.remove(&start).unwrap_or_default();
            for (view, sums) in [("window_credits", &credits), ("window_debits", &debits)] {
                for (account, sum) in sums {
                    self.views.set(Key::new(view, Some(start), Some(*account)), (sum.0, Some(sum.1)));
                }
            }
            for account in credits.keys().chain(debits.keys()) {
                let side = |sums: &BTreeMap<i64, Sum>| sums.get(account).map_or(0, |s| s.0);
                self.views.set(Key::new("window_balance", Some(start), Some(*account)), (side(&credits) - side(&debits), None));
            }
            for (account, sum) in &credits {
                self.closed.entry(*account).or_default().push((start, sum.0));
                self.show_beside(*account);
            }
            self.views.set(Key::new("window_total", Some(start), None), (0, None));
            self.views.set(Key::new("regular_total", None, None), (0, None));
        }
    }

    fn show_beside(&mut self, account: i64) {
        for (start, sum) in self.closed.get(&account).into_iter().flatten() {
            let arrived = self.arrived.get(&account).copied();
            self.views.set(Key::new("beside", Some(*start), Some(account)), (*sum, arrived));
        }
    }
}

impl Model for Windowed {
    fn read(&mut self, row: &Transfer) {
        *self.arrived.entry(row.to).or_default() += 1;
        self.show_beside(row.to);
        self.views.set(Key::new("difference", None, None), (0, None));
        let start = row.second - row.second % WINDOW_SECONDS;
        let late = self.highest.is_some_and(|highest| start + WINDOW_SECONDS <= highest - DELAY_SECONDS);
        if !late {
            let [credits, debits] = self.open.entry(start).or_default();
            add(credits, row.to, row.amount, 1);
            add(debits, row.from, row.amount, 1);
        }
        self.highest = self.highest.max(Some(row.second));
        self.close(self.highest.unwrap_or_default() - DELAY_SECONDS);
    }

    fn end(&mut self) {
        self.close(i64::MAX);
    }

    fn rows(&self) -> &BTreeMap<Key, Value> {
        &self.views.rows
    }

    fn touched(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.views.touched)
    }
}
