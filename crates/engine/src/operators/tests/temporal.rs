//! Temporal joins: each left row meets the version that a naive reading of all versions gives, and what nobody can ask for is gone.

use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::harness::{
    Fleet, LAYOUTS, NUMBER, Row, Step, TIME, VALUE, batch, batches, key_text, key_types, row, schema, steps, text, ticks,
};
use super::join::{are_pair, inputs, output};
use crate::expr::Column;
use crate::graph::SourceNode;
use crate::lookup::full::FullTable;
use crate::lookup::{Lookup, LookupNode, Retry};
use crate::operator::{Operator, Output, Tick};
use crate::operators::deduplicate::{Deduplicate, DeduplicateSpec};
use crate::operators::lookup_join::LookupJoin;
use crate::operators::pairs::{JoinInputs, JoinKind};
use crate::operators::temporal_join::{TemporalJoin, TemporalJoinSpec};
use crate::source::{Chunk, ChunkBudget, Decoded, Fetch, Position, Source, SplitInfo, SplitReader};
use crate::state::State;
use crate::state::ranked::SortColumn;
use crate::{Batch, Result, RowKind};

/// All versions that can be asked for, in the order of arrival.
#[derive(Default)]
struct Versions {
    rows: Vec<Row>,
}

impl Versions {
    /// Adds a version, or tells that it is late: a newer one holds at the watermark.
    fn add(&mut self, row: &Row, keys: &[usize], strict: bool, passed: i64) -> bool {
        let key = key_text(row, keys);
        if strict && key.iter().any(|cell| cell == "-") {
            return false;
        }
        if self.rows.iter().any(|r| key_text(r, keys) == key && r.time > row.time && r.time <= passed) {
            return true;
        }
        self.rows.retain(|r| key_text(r, keys) != key || r.time != row.time);
        self.rows.push(row.clone());
        false
    }

    /// The version of a key that holds at a time.
    fn as_of(&self, key: &[String], keys: &[usize], time: i64) -> Option<&Row> {
        self.rows.iter().filter(|r| key_text(r, keys) == key && r.time <= time).max_by_key(|r| r.time)
    }

    /// Leaves only what rows after the watermark can meet.
    fn forget(&mut self, keys: &[usize], watermark: i64) {
        let useless = |v: &Row| {
            let newer = self.rows.iter().any(|u| key_text(u, keys) == key_text(v, keys) && v.time < u.time && u.time <= watermark);
            newer || (!v.adds && v.time <= watermark)
        };
        let gone: Vec<bool> = self.rows.iter().map(useless).collect();
        let mut gone = gone.iter();
        self.rows.retain(|_| !gone.next().unwrap());
    }
}

fn cells(row: &Row) -> String {
    text(&batch(&[Row { adds: true, ..row.clone() }]), 0)
}

fn joined(left: &Row, versions: &Versions, kind: JoinKind, keys: &[usize], spec: &JoinInputs) -> Option<String> {
    let partner = versions.as_of(&key_text(left, keys), keys, left.time).filter(|v| v.adds && are_pair(left, v, keys, spec));
    let nothing = vec!["-"; schema().fields().len()].join("|");
    match partner {
        Some(partner) => Some(format!("{}|{}", cells(left), cells(partner))),
        None => (kind == JoinKind::Left).then(|| format!("{}|{nothing}", cells(left))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Rows in order, out of order and late, versions that replace each other and deletions.
    #[test]
    fn a_temporal_join_agrees_with_all_versions(
        left in steps(8, 0..60),
        mut right in steps(8, 0..60),
        kind in prop::sample::select(&[JoinKind::Inner, JoinKind::Left][..]),
        layout in 1..LAYOUTS.len(),
        (deletes, nulls_equal, condition) in any::<(bool, bool, bool)>(),
    ) {
        if deletes {
            right.iter_mut().flat_map(|step| &mut step.rows).for_each(|row| row.adds = row.value != Some(0));
        }
        let keys = LAYOUTS[layout];
        let own = inputs(keys, nulls_equal, condition);
        let spec = TemporalJoinSpec { kind, inputs: own.clone(), times: [TIME, TIME], schema: output(kind) };
        let mut fleet = Fleet::with_inputs(&[keys, keys], move || TemporalJoin::new(spec.clone()));
        let (mut waiting, mut versions): (Vec<Row>, _) = (vec![], Versions::default());
        let rest = [Step { rows: vec![], cuts: vec![], advance: 0, workers: 1 }];
        let count = left.len().min(right.len());
        let both = left[..count].iter().zip(&right[..count]).chain(rest.iter().zip(&rest));
        let ticks: Vec<Tick> = ticks(&left[..count], 0);
        for ((l, r), tick) in both.zip(ticks) {
            let late = r.rows.iter().filter(|row| versions.add(row, keys, !nulls_equal, tick.watermark_before)).count() as u64;
            waiting.extend(l.rows.iter().cloned());
            fleet.restart(l.workers);
            let given = fleet.step_all(&tick, &[&batches(&l.rows, &l.cuts), &batches(&r.rows, &r.cuts)]);
            prop_assert!(given.batches.iter().all(|batch| batch.kinds.is_none()));
            prop_assert!(given.late >= late && (kind == JoinKind::Inner || given.late == late));
            let mut rows: Vec<String> = given.changes().into_iter().map(|(_, row)| row).collect();
            rows.sort();
            let due = waiting.iter().filter(|row| row.time <= tick.watermark);
            let mut expected: Vec<String> = due.filter_map(|row| joined(row, &versions, kind, keys, &own)).collect();
            expected.sort();
            prop_assert_eq!(rows, expected);
            waiting.retain(|row| row.time > tick.watermark);
            versions.forget(keys, tick.watermark);
            prop_assert_eq!(fleet.state_rows(), waiting.len() + versions.rows.len());
        }
    }

    #[test]
    fn deduplication_tells_every_version(steps in steps(8, 0..20), layout in 1..LAYOUTS.len()) {
        let keys = LAYOUTS[layout];
        let spec = DeduplicateSpec { keys: keys.to_vec(), key_types: key_types(keys), time: TIME, order: vec![], condition: None };
        let mut fleet = Fleet::new(keys, move || Deduplicate::new(spec.clone()));
        let mut newest = std::collections::BTreeMap::new();
        for (step, tick) in steps.iter().zip(ticks(&steps, 0)) {
            fleet.restart(step.workers);
            let mut expected = vec![];
            for row in &step.rows {
                let time = newest.entry(key_text(row, keys)).or_insert(row.time);
                if row.time >= *time {
                    *time = row.time;
                    expected.push(format!("+I{}", cells(row)));
                }
            }
            expected.sort();
            prop_assert_eq!(fleet.step(&tick, &batches(&step.rows, &step.cuts)).rows(), expected);
        }
    }

    #[test]
    fn a_top_one_tells_every_row_that_was_the_first(steps in steps(8, 0..20), layout in 1..LAYOUTS.len(), descending in any::<bool>()) {
        let keys = LAYOUTS[layout];
        let order = vec![SortColumn { column: VALUE, descending, nulls_first: !descending }];
        let spec = DeduplicateSpec { keys: keys.to_vec(), key_types: key_types(keys), time: TIME, order, condition: None };
        let mut fleet = Fleet::new(keys, move || Deduplicate::new(spec.clone()));
        let mut firsts = std::collections::BTreeMap::new();
        for (step, tick) in steps.iter().zip(ticks(&steps, 0)) {
            fleet.restart(step.workers);
            let mut expected = vec![];
            for row in &step.rows {
                // NULL is the least value.
                let value = row.value.map_or(i64::MIN, |value| value);
                let place = if descending { value.checked_neg().unwrap_or(i64::MAX) } else { value };
                let first = firsts.entry(key_text(row, keys)).or_insert(None);
                if first.is_none_or(|first| place < first) {
                    *first = Some(place);
                    expected.push(format!("+I{}", cells(row)));
                }
            }
            expected.sort();
            prop_assert_eq!(fleet.step(&tick, &batches(&step.rows, &step.cuts)).rows(), expected);
        }
    }
}

/// A table of given rows.
struct Given(Vec<Batch>);

impl Source for Given {
    fn discover(&mut self) -> Result<Vec<SplitInfo>> {
        Ok(vec![SplitInfo { id: "all".into(), detail: String::new() }])
    }
    fn open(&mut self, _: &SplitInfo, _: Option<&Position>) -> Result<Box<dyn SplitReader>> {
        Ok(Box::new(Given(std::mem::take(&mut self.0))))
    }
}

impl SplitReader for Given {
    fn fetch(&mut self, _: ChunkBudget) -> Result<Fetch> {
        Ok(if self.0.is_empty() { Fetch::End } else { Fetch::Chunk(Box::new(Given(vec![self.0.remove(0)]))) })
    }
}

impl Chunk for Given {
    fn start(&self) -> Position {
        String::new()
    }
    fn decode(self: Box<Self>) -> Result<Decoded> {
        Ok(Decoded::clean(self.0[0].rows.clone(), 0))
    }
}

/// Looks rows up by `keys` in a table that holds what `rows` gives at each opening.
fn table(keys: &[usize], reload_ms: Option<i64>, rows: impl Fn() -> Vec<Batch> + Send + 'static) -> FullTable {
    let open = move || {
        let columns = (0..schema().fields().len()).map(|c| Arc::new(Column(c)) as _).collect();
        let source = Box::new(Given(rows()));
        Ok(SourceNode { source, columns, schema: schema(), keep: schema().fields().len(), event_time: None })
    };
    FullTable::new(Box::new(open), None, schema(), keys.to_vec(), reload_ms)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_lookup_join_agrees_with_all_pairs(
        left in prop::collection::vec((row(0..9), any::<bool>()), 0..12),
        right in prop::collection::vec(row(0..9), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        kind in prop::sample::select(&[JoinKind::Inner, JoinKind::Left][..]),
        layout in 1..LAYOUTS.len(),
        condition in any::<bool>(),
    ) {
        let keys = LAYOUTS[layout];
        let own = inputs(keys, false, condition);
        let left: Vec<Row> = left.into_iter().map(|(row, adds)| Row { adds, ..row }).collect();
        let stored = batches(&right, &cuts);
        let mut lookup = table(keys, None, move || stored.clone());
        lookup.open(&mut |_| {}).unwrap();
        let mut node = LookupNode { lookup: Box::new(lookup), keys: keys.to_vec(), retry: None };
        let rows = batches(&left, &cuts);
        let answers = rows.iter().map(|batch| node.answer(batch, 0, &mut |_| {}).unwrap()).collect();
        let mut join = LookupJoin { kind, inputs: own.clone(), schema: output(kind) };
        let mut out = Output::default();
        let tick = ticks(&[], 0)[0];
        join.step(&tick, &mut [rows, answers], &mut State::default(), &mut out).unwrap();
        let given = super::harness::Given { batches: out.batches, late: 0, wake_at_ms: None };
        let nothing = vec!["-"; schema().fields().len()].join("|");
        let mut expected = vec![];
        for l in &left {
            let partners: Vec<&Row> = right.iter().filter(|r| are_pair(l, r, keys, &own)).collect();
            let kind_of = if l.adds { RowKind::Insert } else { RowKind::Delete };
            expected.extend(partners.iter().map(|r| (kind_of, format!("{}|{}", cells(l), cells(r)))));
            if partners.is_empty() && kind == JoinKind::Left {
                expected.push((kind_of, format!("{}|{nothing}", cells(l))));
            }
        }
        prop_assert_eq!(given.changes(), expected);
    }
}

/// A row with that number.
fn numbered(number: i64, value: i64) -> Row {
    Row { number: Some(number), name: None, value: Some(value), time: 0, flag: None, adds: true }
}

/// A table that has one row more each time it is read: numbers 0 up to how often it was read.
fn growing(reload_ms: Option<i64>) -> FullTable {
    let read = Arc::new(AtomicI64::new(0));
    let rows = move || {
        let times = read.fetch_add(1, Ordering::SeqCst);
        vec![batch(&(0..=times).map(|n| numbered(n, times)).collect::<Vec<_>>())]
    };
    let mut table = table(&[NUMBER], reload_ms, rows);
    table.open(&mut |_| {}).unwrap();
    table
}

#[test]
fn a_table_is_read_again_when_it_is_too_old() {
    let mut node = LookupNode { lookup: Box::new(growing(Some(100))), keys: vec![NUMBER], retry: None };
    let mut found = |now_ms| node.answer(&batch(&[numbered(0, 0), numbered(1, 0)]), now_ms, &mut |_| {}).unwrap().len();
    assert_eq!([found(1_000), found(1_099), found(1_100), found(1_150)], [1, 1, 2, 2]);
}

#[test]
fn what_is_missing_is_asked_for_again_after_a_while() {
    let retry = Some(Retry { attempts: 3, delay_ms: 10 });
    let mut node = LookupNode { lookup: Box::new(growing(None)), keys: vec![NUMBER], retry };
    let mut waited = 0;
    let asked = [numbered(2, 0), numbered(0, 0), Row { number: None, ..numbered(0, 0) }];
    let answer = node.answer(&batch(&asked), 0, &mut |ms| waited += ms).unwrap();
    let probe = answer.rows.columns().last().unwrap().as_primitive::<UInt32Type>().values().to_vec();
    assert_eq!((waited, probe), (20, vec![0, 1]), "two readings more bring number 2; NULL is not asked for");
}
