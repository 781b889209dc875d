//! Regular joins: what they emit adds up to the batch result after every tick, and nothing of it cancels out.

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{Field, Int64Type, Schema, SchemaRef, TimestampMillisecondType};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::harness::*;
use crate::expr::{EvalContext, Expr};
use crate::operator::Tick;
use crate::operators::interval_join::{IntervalJoin, IntervalJoinSpec};
use crate::operators::join::{Join, JoinSpec};
use crate::operators::pairs::{JoinInputs, JoinKind};
use crate::operators::window_join::{WindowJoin, WindowJoinSpec};
use crate::operators::windows::TimeColumn;
use crate::{Result, RowKind};

/// `left.value < right.value`; NULL where one of them is.
struct LessThan;

impl Expr for LessThan {
    fn evaluate(&self, rows: &RecordBatch, _: &EvalContext) -> Result<ArrayRef> {
        let value = |c: usize| rows.column(c).as_primitive::<Int64Type>();
        let columns = schema().fields().len();
        let pairs = value(VALUE).iter().zip(value(columns + VALUE).iter());
        Ok(Arc::new(pairs.map(|(a, b)| Some(a? < b?)).collect::<BooleanArray>()))
    }
}

const KINDS: [JoinKind; 6] = [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Semi, JoinKind::Anti];

pub(super) fn output(kind: JoinKind) -> SchemaRef {
    let sides = if matches!(kind, JoinKind::Semi | JoinKind::Anti) { 1 } else { 2 };
    let fields =
        (0..sides).flat_map(|_| schema().fields().iter().map(|f| Field::new(f.name(), f.data_type().clone(), true)).collect::<Vec<_>>());
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

pub(super) fn inputs(keys: &[usize], nulls_equal: bool, condition: bool) -> JoinInputs {
    JoinInputs {
        schemas: [schema(), schema()],
        keys: [keys.to_vec(), keys.to_vec()],
        nulls_equal: vec![nulls_equal; keys.len()],
        condition: condition.then(|| Arc::new(LessThan) as Arc<dyn Expr>),
    }
}

/// Whether two rows are a pair.
pub(super) fn are_pair(l: &Row, r: &Row, keys: &[usize], inputs: &JoinInputs) -> bool {
    let (a, b) = (key_text(l, keys), key_text(r, keys));
    let strict = inputs.nulls_equal.first() == Some(&false);
    let fits = inputs.condition.is_none() || matches!((l.value, r.value), (Some(a), Some(b)) if a < b);
    a == b && fits && !(strict && a.iter().any(|cell| cell == "-"))
}

/// The batch result: how often each row is there.
fn batch_result(left: &[Row], right: &[Row], kind: JoinKind, joins: impl Fn(&Row, &Row) -> bool) -> BTreeMap<String, i64> {
    let cells = |row: &Row| text(&batch(&[Row { adds: true, ..row.clone() }]), 0);
    let nothing = vec!["-"; schema().fields().len()].join("|");
    let mut result = vec![];
    for l in left {
        let partners: Vec<&Row> = right.iter().filter(|r| joins(l, r)).collect();
        match kind {
            JoinKind::Semi if !partners.is_empty() => result.push(cells(l)),
            JoinKind::Anti if partners.is_empty() => result.push(cells(l)),
            JoinKind::Semi | JoinKind::Anti => {}
            _ => result.extend(partners.iter().map(|r| format!("{}|{}", cells(l), cells(r)))),
        }
        if partners.is_empty() && matches!(kind, JoinKind::Left | JoinKind::Full) {
            result.push(format!("{}|{nothing}", cells(l)));
        }
    }
    if matches!(kind, JoinKind::Right | JoinKind::Full) {
        let alone = right.iter().filter(|r| !left.iter().any(|l| joins(l, r)));
        result.extend(alone.map(|r| format!("{nothing}|{}", cells(r))));
    }
    let mut counts = BTreeMap::new();
    result.into_iter().for_each(|row| *counts.entry(row).or_default() += 1);
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_changelog_adds_up_to_the_batch_result(
        mut left in steps(8, 0..50),
        mut right in steps(8, 0..50),
        kind in prop::sample::select(&KINDS[..]),
        layout in 0..LAYOUTS.len(),
        (retract_left, retract_right, nulls_equal, condition) in any::<(bool, bool, bool, bool)>(),
    ) {
        if retract_left {
            with_deletions(&mut left);
        }
        if retract_right {
            with_deletions(&mut right);
        }
        let keys = LAYOUTS[layout];
        let spec = JoinSpec { kind, inputs: inputs(keys, nulls_equal, condition), schema: output(kind) };
        let own = spec.clone();
        let mut fleet = Fleet::with_inputs(&[keys, keys], move || Join::new(own.clone()));
        let (mut live_left, mut live_right) = (vec![], vec![]);
        let mut table: BTreeMap<String, i64> = BTreeMap::new();
        for ((l, r), tick) in left.iter().zip(&right).zip(ticks(&left, 0)) {
            apply(&mut live_left, &l.rows);
            apply(&mut live_right, &r.rows);
            fleet.restart(l.workers);
            let given = fleet.step_all(&tick, &[&batches(&l.rows, &l.cuts), &batches(&r.rows, &r.cuts)]);
            let mut touched: BTreeMap<String, RowKind> = BTreeMap::new();
            for (kind, row) in given.changes() {
                *table.entry(row.clone()).or_default() += if kind.adds() { 1 } else { -1 };
                let first = *touched.entry(row.clone()).or_insert(kind);
                prop_assert_eq!(first, kind, "{} comes and goes in one tick", row);
            }
            table.retain(|_, count| *count != 0);
            prop_assert_eq!(&table, &batch_result(&live_left, &live_right, kind, |l, r| are_pair(l, r, keys, &spec.inputs)));
        }
    }

    /// Rows that come in time: all pairs within the bounds, and rows alone once no partner can come.
    #[test]
    fn an_interval_join_agrees_with_all_pairs(
        left in steps(8, 0..60),
        right in steps(8, 0..60),
        kind in prop::sample::select(&KINDS[..4]),
        layout in 0..LAYOUTS.len(),
        (nulls_equal, condition) in any::<(bool, bool)>(),
        (lower, length) in (-12..8i64, 0..12i64),
    ) {
        let keys = LAYOUTS[layout];
        let inputs = inputs(keys, nulls_equal, condition);
        let (times, upper) = ([TimeColumn::Event(TIME), TimeColumn::Event(TIME)], lower + length);
        let spec = IntervalJoinSpec { kind, inputs: inputs.clone(), times, lower, upper, schema: output(kind) };
        let delay = spec.delay_ms();
        let own = spec.clone();
        let mut fleet = Fleet::with_inputs(&[keys, keys], move || IntervalJoin::new(own.clone()));
        let (mut all_left, mut all_right) = (vec![], vec![]);
        let mut table: BTreeMap<String, i64> = BTreeMap::new();
        let rest = [Step { rows: vec![], cuts: vec![], advance: 0, workers: 1 }];
        let count = left.len().min(right.len());
        let pairs = left[..count].iter().zip(&right[..count]).chain(rest.iter().zip(&rest));
        let ticks: Vec<Tick> = ticks(&left[..count], 0);
        for ((l, r), tick) in pairs.zip(ticks) {
            let in_time = |rows: &[Row]| rows.iter().filter(|row| row.time > tick.watermark_before).cloned().collect::<Vec<_>>();
            let (l_rows, r_rows) = (in_time(&l.rows), in_time(&r.rows));
            all_left.extend(l_rows.clone());
            all_right.extend(r_rows.clone());
            fleet.restart(l.workers);
            let given = fleet.step_all(&tick, &[&batches(&l_rows, &l.cuts), &batches(&r_rows, &r.cuts)]);
            for batch in &given.batches {
                prop_assert!(batch.kinds.is_none());
                for side in (0..2).map(|side| side * schema().fields().len() + TIME) {
                    let times = batch.column(side).as_primitive::<TimestampMillisecondType>();
                    prop_assert!(times.iter().flatten().all(|time| time > tick.watermark_before.saturating_sub(delay)), "a row is too late for what follows");
                }
            }
            given.changes().into_iter().for_each(|(_, row)| *table.entry(row).or_default() += 1);
        }
        let near = |l: &Row, r: &Row| (r.time + lower..=r.time + upper).contains(&l.time);
        prop_assert_eq!(&table, &batch_result(&all_left, &all_right, kind, |l, r| are_pair(l, r, keys, &inputs) && near(l, r)));
        prop_assert_eq!(fleet.state_rows(), 0);
    }

    /// Each row lies in the window that ends at its time, rounded up to tens.
    #[test]
    fn a_window_join_joins_each_window_once_it_is_over(
        left in steps(8, 0..60),
        right in steps(8, 0..60),
        kind in prop::sample::select(&KINDS[..]),
        layout in 0..LAYOUTS.len(),
        (nulls_equal, condition) in any::<(bool, bool)>(),
    ) {
        let own_keys = LAYOUTS[layout];
        let keys: Vec<usize> = own_keys.iter().copied().chain([TIME]).collect();
        let inputs = inputs(&keys, nulls_equal, condition);
        let spec = WindowJoinSpec { kind, inputs: inputs.clone(), ends: [TIME, TIME], time: TimeColumn::Event(TIME), schema: output(kind) };
        let mut fleet = Fleet::with_inputs(&[&keys, &keys], move || WindowJoin::new(spec.clone()));
        let (mut all_left, mut all_right, mut late) = (vec![], vec![], 0);
        let mut table: BTreeMap<String, i64> = BTreeMap::new();
        let rest = [Step { rows: vec![], cuts: vec![], advance: 0, workers: 1 }];
        let count = left.len().min(right.len());
        let pairs = left[..count].iter().zip(&right[..count]).chain(rest.iter().zip(&rest));
        for ((l, r), tick) in pairs.zip(ticks(&left[..count], 0)) {
            let in_windows = |rows: &[Row]| rows.iter().map(|row| Row { time: row.time / 10 * 10 + 10, ..row.clone() }).collect::<Vec<_>>();
            let (l_rows, r_rows) = (in_windows(&l.rows), in_windows(&r.rows));
            let in_time = |row: &&Row| row.time - 1 > tick.watermark_before;
            all_left.extend(l_rows.iter().filter(in_time).cloned());
            all_right.extend(r_rows.iter().filter(in_time).cloned());
            late += l_rows.iter().chain(&r_rows).filter(|row| !in_time(row)).count() as u64;
            fleet.restart(l.workers);
            let given = fleet.step_all(&tick, &[&batches(&l_rows, &l.cuts), &batches(&r_rows, &r.cuts)]);
            late -= given.late;
            given.changes().into_iter().for_each(|(_, row)| *table.entry(row).or_default() += 1);
            let over = |rows: &[Row]| rows.iter().filter(|row| row.time - 1 <= tick.watermark).cloned().collect::<Vec<_>>();
            let expected = batch_result(&over(&all_left), &over(&all_right), kind, |l, r| {
                l.time == r.time && are_pair(l, r, own_keys, &inputs)
            });
            prop_assert_eq!(&table, &expected);
        }
        prop_assert_eq!(late, 0);
        prop_assert_eq!(fleet.state_rows(), 0);
    }
}
