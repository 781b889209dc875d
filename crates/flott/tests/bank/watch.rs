//! Looks at what a query gave, tick by tick, beside the model of its views.

use std::collections::{BTreeMap, BTreeSet};

use flott::Collected;

use crate::Transfer;
use crate::models::Model;

/// Which row of which view.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub view: String,
    /// Start of the window, seconds after the start, where the view has windows.
    pub window: Option<i64>,
    /// Account or transfer, where the view has some.
    pub of: Option<i64>,
}

impl Key {
    pub fn new(view: &str, window: Option<i64>, of: Option<i64>) -> Self {
        Self { view: view.into(), window, of }
    }
}

/// The values of a row; the second is NULL in views with one value.
pub type Value = (i64, Option<i64>);

/// A row that comes or goes.
#[derive(Debug, Clone)]
pub struct Change {
    pub adds: bool,
    pub key: Key,
    pub value: Value,
}

/// The changes of each tick, of the first `rows` rows that a run gave.
pub fn ticks(collected: &Collected, rows: usize) -> Vec<Vec<Change>> {
    let number = |text: &Option<String>| text.as_ref().map(|t| t.parse::<i64>().unwrap());
    let change = |(kind, row): &flott::CollectedRow| Change {
        adds: kind.adds(),
        key: Key { view: row[0].clone().unwrap(), window: number(&row[1]), of: number(&row[2]) },
        // No value is NULL where a view has one; if it is all the same, it shows as what no view holds.
        value: (number(&row[3]).unwrap_or(i64::MIN), number(&row[4])),
    };
    let mut start = 0;
    let mut all = vec![];
    for end in collected.tick_ends.iter().take_while(|end| **end <= rows) {
        all.push(collected.rows[start..*end].iter().map(change).collect());
        start = *end;
    }
    assert_eq!(start, rows, "rows outside of ticks");
    all
}

/// Compares all views with their model at the end of each tick. Gives the first thing that is wrong.
pub fn check(ticks: &[Vec<Change>], model: &mut dyn Model, input: &[Transfer]) -> Result<(), String> {
    let mut shown: BTreeMap<Key, Value> = BTreeMap::new();
    let mut read = 0;
    let mut touched = BTreeSet::new();
    for (number, changes) in ticks.iter().enumerate() {
        let in_tick = |wrong: String| format!("tick {number}, after {read} rows: {wrong}");
        touched.extend(apply(&mut shown, changes).map_err(in_tick)?);
        let now_read = shown.get(&Key::new("read", None, None)).map_or(0, |v| v.0) as usize;
        let taken = input.get(read..now_read).ok_or_else(|| in_tick(format!("it counts {now_read} rows")))?;
        taken.iter().for_each(|row| model.read(row));
        let (last, all_read) = (number + 1 == ticks.len(), now_read == input.len());
        if last {
            model.end();
        }
        touched.extend(model.touched());
        if all_read && !last {
            // Whether the end of the input is known already, which closes all windows, is left open.
            read = now_read;
            continue;
        }
        for key in std::mem::take(&mut touched).iter().filter(|key| key.view != "read") {
            if shown.get(key) != model.rows().get(key) {
                return Err(format!(
                    "tick {number}, rows {read} to {now_read}: {key:?} is {:?}, not {:?}",
                    shown.get(key),
                    model.rows().get(key)
                ));
            }
        }
        read = now_read;
    }
    if read != input.len() {
        return Err(format!("{read} of {} rows were read", input.len()));
    }
    Ok(())
}

/// Brings what is shown up to date: a key loses at most one row and gets at most one, in this order. They may be the same where a
/// projection lies behind the operator that gave them.
fn apply(shown: &mut BTreeMap<Key, Value>, changes: &[Change]) -> Result<BTreeSet<Key>, String> {
    let mut gone: BTreeMap<&Key, Value> = BTreeMap::new();
    let mut come: BTreeSet<Key> = BTreeSet::new();
    for Change { adds, key, value } in changes {
        if *adds {
            if let Some(there) = shown.insert(key.clone(), *value) {
                return Err(format!("{key:?} gets {value:?} while {there:?} is there"));
            }
            if !come.insert(key.clone()) {
                return Err(format!("{key:?} gets two rows in one tick"));
            }
        } else {
            if shown.remove(key) != Some(*value) {
                return Err(format!("{key:?} loses {value:?}, which is not there"));
            }
            if gone.insert(key, *value).is_some() {
                return Err(format!("{key:?} loses two rows in one tick"));
            }
        }
    }
    come.extend(gone.into_keys().cloned());
    Ok(come)
}
