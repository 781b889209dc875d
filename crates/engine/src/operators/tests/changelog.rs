//! Steps between forms of a changelog, and state that ends with processing time, against models written from scratch.

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::harness::*;
use crate::operator::{Operator, Output, Tick};
use crate::operators::changelog::{DropUpdateBefore, FromChangelog, ToChangelog};
use crate::operators::first_row::FirstRow;
use crate::operators::group_aggregate::{GroupAggregate, GroupSpec};
use crate::operators::join::{Join, JoinSpec};
use crate::operators::materialize::Materialize;
use crate::operators::normalize::Normalize;
use crate::operators::pairs::{JoinInputs, JoinKind};
use crate::operators::rank::RankSpec;
use crate::operators::windows::TimeColumn;
use crate::state::State;
use crate::{Batch, RowKind};

/// Ticks whose processing time moves on as much as the watermark does.
fn timed_ticks(steps: &[Step]) -> Vec<Tick> {
    let mut now_ms = 0;
    let advance = |(tick, step): (Tick, &Step)| {
        now_ms += step.advance;
        Tick { now_ms, ..tick }
    };
    ticks(steps, 0).into_iter().zip(steps).map(advance).collect()
}

fn shown(row: &Row) -> String {
    text(&batch(&[Row { adds: true, ..row.clone() }]), 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Rows that are new, repeated, or gone, per key; entries may end with time.
    #[test]
    fn normalize_tells_what_each_newest_row_replaces(
        mut steps in steps(10, 0..50),
        layout in 1..LAYOUTS.len(),
        update_before in any::<bool>(),
        ttl in prop::option::of(1..30i64),
    ) {
        // The times serve as dice.
        steps.iter_mut().flat_map(|s| &mut s.rows).for_each(|row| row.adds = row.time % 3 != 0);
        let keys = LAYOUTS[layout];
        let mut fleet = Fleet::new(keys, move || Normalize::new(schema(), keys.to_vec(), update_before)).living(vec![ttl]);
        let mut model: BTreeMap<Vec<String>, (String, i64)> = BTreeMap::new();
        for (step, tick) in steps.iter().zip(timed_ticks(&steps)) {
            fleet.restart(step.workers);
            model.retain(|_, (_, written)| ttl.is_none_or(|ttl| *written + ttl > tick.now_ms));
            let before = model.clone();
            let mut touched = BTreeSet::new();
            for row in &step.rows {
                let key = key_text(row, keys);
                match row.adds {
                    true => drop(model.insert(key.clone(), (shown(row), tick.now_ms))),
                    false => drop(model.remove(&key)),
                }
                touched.insert(key);
            }
            let mut wanted = vec![];
            for key in &touched {
                match (before.get(key).map(|e| &e.0), model.get(key).map(|e| &e.0)) {
                    (Some(old), Some(new)) if old != new => {
                        wanted.extend(update_before.then(|| format!("-U{old}")));
                        wanted.push(format!("+U{new}"));
                    }
                    (Some(old), None) => wanted.push(format!("-D{old}")),
                    (None, Some(new)) => wanted.push(format!("+I{new}")),
                    _ => {}
                }
            }
            wanted.sort();
            prop_assert_eq!(fleet.step(&tick, &batches(&step.rows, &step.cuts)).rows(), wanted);
            prop_assert_eq!(fleet.state_rows(), model.len());
        }
    }

    /// The earliest row of each key that came in time, once time has passed it.
    #[test]
    fn the_first_row_of_a_key_is_final(steps in steps(10, 0..60), layout in 0..LAYOUTS.len()) {
        let keys = LAYOUTS[layout];
        let operator = move || FirstRow { schema: schema(), partition: keys.to_vec(), time: TimeColumn::Event(TIME), tables: None };
        let mut fleet = Fleet::new(keys, operator);
        let (mut waiting, mut done) = (BTreeMap::<Vec<String>, Row>::new(), BTreeSet::new());
        let rest = Step { rows: vec![], cuts: vec![], advance: 0, workers: 2 };
        for (step, tick) in steps.iter().chain([&rest]).zip(ticks(&steps, 0)) {
            let mut late = 0;
            for row in &step.rows {
                let key = key_text(row, keys);
                if row.time <= tick.watermark_before {
                    late += 1;
                } else if !done.contains(&key) && waiting.get(&key).is_none_or(|first| row.time < first.time) {
                    waiting.insert(key, row.clone());
                }
            }
            let over: Vec<_> = waiting.iter().filter(|(_, row)| row.time <= tick.watermark).map(|(key, _)| key.clone()).collect();
            let mut wanted = vec![];
            for key in over {
                wanted.extend(waiting.remove(&key).map(|row| format!("+I{}", shown(&row))));
                done.insert(key);
            }
            wanted.sort();
            fleet.restart(step.workers);
            let given = fleet.step(&tick, &batches(&step.rows, &step.cuts));
            prop_assert_eq!((given.rows(), given.late), (wanted, late));
            prop_assert_eq!(fleet.state_rows(), waiting.len() + done.len());
        }
    }

    /// A group that nothing came to for so long begins anew.
    #[test]
    fn groups_end_with_processing_time(steps in steps(10, 0..50), layout in 0..LAYOUTS.len(), ttl in 1..30i64) {
        let keys = LAYOUTS[layout];
        let make = move || {
            let (aggregates, schema) = (aggregates(false), result_schema(keys, false));
            GroupAggregate::new(GroupSpec { keys: keys.to_vec(), key_types: key_types(keys), aggregates, schema }, false, true)
        };
        let mut fleet = Fleet::new(keys, make).living(vec![Some(ttl)]);
        let mut model: BTreeMap<Vec<String>, (Vec<Row>, i64)> = BTreeMap::new();
        let result = |key: &[String], rows: &[Row]| key.iter().cloned().chain(expected(rows)).collect::<Vec<_>>().join("|");
        for (step, tick) in steps.iter().zip(timed_ticks(&steps)) {
            fleet.restart(step.workers);
            model.retain(|_, (_, written)| *written + ttl > tick.now_ms);
            let before = model.clone();
            for row in &step.rows {
                let group = model.entry(key_text(row, keys)).or_default();
                group.0.push(row.clone());
                group.1 = tick.now_ms;
            }
            let mut wanted = vec![];
            for (key, (rows, _)) in &model {
                let (old, new) = (before.get(key).map(|(rows, _)| result(key, rows)), result(key, rows));
                match old {
                    None => wanted.push(format!("+I{new}")),
                    Some(old) if old != new => wanted.extend([format!("-U{old}"), format!("+U{new}")]),
                    _ => {}
                }
            }
            wanted.sort();
            prop_assert_eq!(fleet.step(&tick, &batches(&step.rows, &step.cuts)).rows(), wanted);
            prop_assert_eq!(fleet.state_rows(), model.len());
        }
    }

    /// Rows of each side are joined for as long as they live; an equal row renews the one that is there.
    #[test]
    fn rows_to_join_end_with_processing_time(
        left in steps(8, 0..4),
        right in steps(8, 0..4),
        ttls in prop::array::uniform2(prop::option::of(1..30i64)),
    ) {
        let keys: &[usize] = &[NUMBER];
        let fields = schema().fields().iter().chain(schema().fields()).map(|f| f.as_ref().clone()).collect::<Vec<_>>();
        let joined = Arc::new(Schema::new(fields));
        let make = move || {
            let schemas = [schema(), schema()];
            let inputs = JoinInputs { schemas, keys: [keys.to_vec(), keys.to_vec()], nulls_equal: vec![false], condition: None };
            Join::new(JoinSpec { kind: JoinKind::Inner, inputs, schema: joined.clone() })
        };
        let mut fleet = Fleet::with_inputs(&[keys, keys], make).living(ttls.to_vec());
        let mut kept: [BTreeMap<String, (Row, usize, i64)>; 2] = Default::default();
        for ((l, r), tick) in left.iter().zip(&right).zip(timed_ticks(&left)) {
            fleet.restart(l.workers);
            for (side, ttl) in kept.iter_mut().zip(ttls) {
                side.retain(|_, (_, _, written)| ttl.is_none_or(|ttl| *written + ttl > tick.now_ms));
            }
            let mut wanted = vec![];
            for (side, rows) in [&l.rows, &r.rows].into_iter().enumerate() {
                for row in rows.iter().filter(|r| r.number.is_some()) {
                    for (other, count, _) in kept[1 - side].values().filter(|(other, ..)| other.number == row.number) {
                        let pair = if side == 0 { [row, other] } else { [other, row] };
                        wanted.extend(std::iter::repeat_n(format!("+I{}|{}", shown(pair[0]), shown(pair[1])), *count));
                    }
                }
                for row in rows.iter().filter(|r| r.number.is_some()) {
                    let entry = kept[side].entry(shown(row)).or_insert((row.clone(), 0, 0));
                    (entry.1, entry.2) = (entry.1 + 1, tick.now_ms);
                }
            }
            wanted.sort();
            let given = fleet.step_all(&tick, &[&batches(&l.rows, &l.cuts), &batches(&r.rows, &r.cuts)]);
            prop_assert_eq!(given.rows(), wanted);
            prop_assert_eq!(fleet.state_rows(), kept.iter().map(BTreeMap::len).sum::<usize>());
        }
    }

    /// The row that came last of each primary key, or the first one, whatever the query's own key is.
    #[test]
    fn a_sink_gets_one_row_of_each_key(mut steps in steps(10, 0..50), layout in 1..LAYOUTS.len(), latest_first in any::<bool>()) {
        with_deletions(&mut steps);
        let keys = LAYOUTS[layout];
        let mut fleet = Fleet::new(keys, move || Materialize::new(one_row(keys, latest_first), false));
        let (mut live, mut table) = (vec![], BTreeMap::new());
        for (step, tick) in steps.iter().zip(ticks(&steps, 0)) {
            apply(&mut live, &step.rows);
            fleet.restart(step.workers);
            for (kind, row) in fleet.step(&tick, &batches(&step.rows, &step.cuts)).changes() {
                prop_assert!(kind != RowKind::UpdateBefore);
                let cells: Vec<&str> = row.split('|').collect();
                let key: Vec<String> = keys.iter().map(|k| cells[*k].to_string()).collect();
                if kind.adds() { drop(table.insert(key, row)) } else { drop(table.remove(&key)) }
            }
            let mut wanted: BTreeMap<Vec<String>, String> = BTreeMap::new();
            for row in &live {
                let entry = wanted.entry(key_text(row, keys)).or_insert_with(|| shown(row));
                if latest_first {
                    *entry = shown(row);
                }
            }
            prop_assert_eq!(&table, &wanted);
        }
    }
}

fn one_row(keys: &[usize], latest_first: bool) -> RankSpec {
    RankSpec {
        input: schema(),
        partition: keys.to_vec(),
        order: vec![],
        latest_first,
        skip: 0,
        take: 1,
        with_rank: false,
        append_only: false,
        update_before: false,
        schema: schema(),
    }
}

fn step(operator: &mut dyn Operator, state: &mut State, tick: &Tick, input: Batch) -> crate::Result<Vec<Batch>> {
    let mut out = Output::default();
    operator.step(tick, &mut [vec![input]], state, &mut out)?;
    Ok(out.batches)
}

#[test]
fn a_conflict_is_an_error_once_time_has_passed() {
    let row = |name: &str, adds| Row { number: Some(1), name: Some(name.into()), value: None, time: 0, flag: None, adds };
    let mut operator = Materialize::new(one_row(&[NUMBER], false), true);
    let mut state = State::default();
    operator.open(&mut state).unwrap();
    let waiting = Tick { number: 0, watermark_before: 5, watermark: 5, now_ms: 0, now_before_ms: 0, last: false };
    let passed = Tick { watermark: 6, ..waiting };
    step(&mut operator, &mut state, &waiting, batch(&[row("a", true), row("b", true)])).unwrap();
    step(&mut operator, &mut state, &passed, batch(&[row("a", false)])).unwrap();
    step(&mut operator, &mut state, &waiting, batch(&[row("c", true)])).unwrap();
    let error = step(&mut operator, &mut state, &passed, batch(&[])).unwrap_err().to_string();
    assert!(error.contains("several rows with the same primary key"), "{error}");
}

#[test]
fn changes_are_told_in_a_column_and_back() {
    let kinds = vec![RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter, RowKind::Delete];
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "a", "b", "b"]));
    let schema = Arc::new(Schema::new(vec![Field::new("name", DataType::Utf8, true)]));
    let told = Arc::new(Schema::new(vec![Field::new("op", DataType::Utf8, true), Field::new("name", DataType::Utf8, true)]));
    let input = Batch::changes(RecordBatch::try_new(schema.clone(), vec![names]).unwrap(), kinds.clone());
    let codes = ["i", "ub", "ua", "d"];
    let tick = Tick { number: 0, watermark_before: 0, watermark: 0, now_ms: 0, now_before_ms: 0, last: false };
    let mut state = State::default();
    let shown = |batches: Vec<Batch>| Given { batches, ..Given::default() }.changes();

    let mapping = kinds.iter().copied().zip(codes.map(String::from)).collect();
    let rows = step(&mut ToChangelog { mapping, schema: told.clone() }, &mut state, &tick, input.clone()).unwrap();
    let text = |batches: &[Batch]| shown(batches.to_vec()).into_iter().map(|(k, r)| format!("{}{r}", k.symbol())).collect::<Vec<_>>();
    assert_eq!(text(&rows), ["+Ii|a", "+Iub|a", "+Iua|b", "+Id|b"]);
    let mapping = codes.iter().map(|c| c.to_string()).zip(kinds.clone()).collect::<Vec<_>>();
    let back =
        step(&mut FromChangelog { op: 0, mapping: mapping.clone(), schema: schema.clone() }, &mut state, &tick, rows[0].clone()).unwrap();
    assert_eq!(shown(back), shown(vec![input.clone()]));
    let known = mapping[..3].to_vec();
    let error = step(&mut FromChangelog { op: 0, mapping: known, schema }, &mut state, &tick, rows[0].clone()).unwrap_err().to_string();
    assert!(error.contains("is 'd'") && error.contains("i, ub, ua"), "{error}");

    let some = vec![(RowKind::Insert, "new".to_string()), (RowKind::Delete, "gone".to_string())];
    let rows = step(&mut ToChangelog { mapping: some, schema: told }, &mut state, &tick, input.clone()).unwrap();
    assert_eq!(text(&rows), ["+Inew|a", "+Igone|b"]);
    assert_eq!(text(&step(&mut DropUpdateBefore, &mut state, &tick, input).unwrap()), ["+Ia", "+Ub", "-Db"]);
}
