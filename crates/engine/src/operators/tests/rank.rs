//! Top-N and deduplication against sorting all rows anew.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::harness::*;
use crate::RowKind;
use crate::operators::rank::{Rank, RankSpec};
use crate::operators::sort::TimeSort;
use crate::operators::window_rank::WindowRank;
use crate::operators::windows::TimeColumn;
use crate::state::ranked::SortColumn;

fn output(with_rank: bool) -> SchemaRef {
    let mut fields: Vec<Field> = schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    if with_rank {
        fields.push(Field::new("rank", DataType::Int64, false));
    }
    Arc::new(Schema::new(fields))
}

/// By the value, or one time in four by arrival alone.
fn order(by: usize, descending: bool, nulls_first: bool) -> Vec<SortColumn> {
    if by == 0 { vec![] } else { vec![SortColumn { column: VALUE, descending, nulls_first }] }
}

/// How often each row is in the result, with its rank if that is asked for. `live` is in order of arrival.
fn batch_result(live: &[Row], spec: &RankSpec) -> BTreeMap<String, i64> {
    let mut groups: BTreeMap<Vec<String>, Vec<Row>> = BTreeMap::new();
    for row in live {
        groups.entry(key_text(row, &spec.partition)).or_default().push(row.clone());
    }
    let mut result = BTreeMap::new();
    for mut rows in groups.into_values() {
        if spec.latest_first {
            rows.reverse();
        }
        // The sort is stable, so that equal rows stay as they came.
        // Without a column to sort by they stay as well.
        rows.sort_by(|a, b| match (a.value, b.value) {
            _ if spec.order.is_empty() => std::cmp::Ordering::Equal,
            (None, None) => std::cmp::Ordering::Equal,
            (None, _) if spec.order[0].nulls_first => std::cmp::Ordering::Less,
            (_, None) if spec.order[0].nulls_first => std::cmp::Ordering::Greater,
            (None, _) => std::cmp::Ordering::Greater,
            (_, None) => std::cmp::Ordering::Less,
            (a, b) if spec.order[0].descending => b.cmp(&a),
            (a, b) => a.cmp(&b),
        });
        for (place, row) in rows.iter().enumerate().skip(spec.skip).take(spec.take) {
            let mut shown = text(&batch(&[Row { adds: true, ..row.clone() }]), 0);
            if spec.with_rank {
                shown += &format!("|{}", place + 1);
            }
            *result.entry(shown).or_default() += 1;
        }
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_changelog_adds_up_to_the_sorted_rows(
        mut steps in steps(10, 0..50),
        layout in 0..LAYOUTS.len(),
        (descending, nulls_first, latest_first, with_rank, retract) in any::<(bool, bool, bool, bool, bool)>(),
        by in 0..4usize,
        skip in 0..3usize,
        take in 1..4usize,
    ) {
        if retract {
            with_deletions(&mut steps);
        }
        let keys = LAYOUTS[layout];
        let order = order(by, descending, nulls_first);
        let (input, schema) = (schema(), output(with_rank));
        let spec = RankSpec { input, partition: keys.to_vec(), order, latest_first, skip, take, with_rank, append_only: !retract, update_before: true, schema };
        let own = spec.clone();
        let mut fleet = Fleet::new(keys, move || Rank::new(own.clone()));
        let mut live: Vec<Row> = vec![];
        let mut table: BTreeMap<String, i64> = BTreeMap::new();
        for (step, tick) in steps.iter().zip(ticks(&steps, 0)) {
            apply(&mut live, &step.rows);
            fleet.restart(step.workers);
            let mut touched: BTreeMap<String, bool> = BTreeMap::new();
            for (kind, row) in fleet.step(&tick, &batches(&step.rows, &step.cuts)).changes() {
                *table.entry(row.clone()).or_default() += if kind.adds() { 1 } else { -1 };
                if take > 1 && !with_rank {
                    prop_assert!(matches!(kind, RowKind::Insert | RowKind::Delete));
                    let first = *touched.entry(row.clone()).or_insert(kind.adds());
                    prop_assert_eq!(first, kind.adds(), "{} comes and goes in one tick", row);
                }
            }
            table.retain(|_, count| *count != 0);
            prop_assert_eq!(&table, &batch_result(&live, &spec));
            if !retract {
                prop_assert!(fleet.state_rows() <= live.len());
            }
        }
    }

    /// Each row lies in the window that ends at its time, rounded up to tens.
    #[test]
    fn each_window_is_ranked_once_it_is_over(
        steps in steps(10, 0..60),
        layout in 0..LAYOUTS.len(),
        (descending, nulls_first, latest_first, with_rank) in any::<(bool, bool, bool, bool)>(),
        by in 0..4usize,
        (skip, take) in (0..3usize, 1..4usize),
    ) {
        let keys: Vec<usize> = LAYOUTS[layout].iter().copied().chain([TIME]).collect();
        let order = order(by, descending, nulls_first);
        let (input, schema) = (schema(), output(with_rank));
        let mut spec = RankSpec { input, partition: keys.clone(), order, latest_first, skip, take, with_rank, append_only: true, update_before: true, schema };
        let own = spec.clone();
        let mut fleet = Fleet::new(&keys, move || WindowRank::new(own.clone(), TIME, TimeColumn::Event(TIME)));
        spec.partition = LAYOUTS[layout].to_vec();
        let mut waiting: BTreeMap<i64, Vec<Row>> = BTreeMap::new();
        let mut late = 0;
        let rest = Step { rows: vec![], cuts: vec![], advance: 0, workers: 1 };
        for (step, tick) in steps.iter().chain([&rest]).zip(ticks(&steps, 0)) {
            let rows: Vec<Row> = step.rows.iter().map(|row| Row { time: row.time / 10 * 10 + 10, ..row.clone() }).collect();
            for row in &rows {
                if row.time - 1 > tick.watermark_before {
                    waiting.entry(row.time).or_default().push(row.clone());
                } else {
                    late += 1;
                }
            }
            fleet.restart(step.workers);
            let given = fleet.step(&tick, &batches(&rows, &step.cuts));
            late -= given.late;
            let mut expected: BTreeMap<String, i64> = BTreeMap::new();
            while let Some(first) = waiting.first_entry().filter(|first| *first.key() - 1 <= tick.watermark) {
                batch_result(&first.remove(), &spec).into_iter().for_each(|(row, count)| *expected.entry(row).or_default() += count);
            }
            let mut table: BTreeMap<String, i64> = BTreeMap::new();
            given.changes().into_iter().for_each(|(_, row)| *table.entry(row).or_default() += 1);
            prop_assert_eq!(table, expected);
        }
        prop_assert_eq!((late, fleet.state_rows()), (0, 0));
    }

    /// Rows in time come out in order of time, value and arrival; the others are late.
    #[test]
    fn rows_are_sorted_once_the_watermark_has_passed_them(steps in steps(10, 0..60), descending in any::<bool>(), by_value in any::<bool>()) {
        let order = match by_value {
            true => vec![SortColumn { column: VALUE, descending, nulls_first: !descending }],
            false => vec![],
        };
        let sort = TimeSort { schema: schema(), time: TimeColumn::Event(TIME), order, table: None };
        let mut fleet = Fleet::new(&[], move || sort.clone());
        let mut waiting: Vec<Row> = vec![];
        let mut late = 0;
        let rest = Step { rows: vec![], cuts: vec![], advance: 0, workers: 1 };
        for (step, tick) in steps.iter().chain([&rest]).zip(ticks(&steps, 0)) {
            late += step.rows.iter().filter(|row| row.time <= tick.watermark_before).count() as u64;
            waiting.extend(step.rows.iter().filter(|row| row.time > tick.watermark_before).cloned());
            // NULL is the smallest value, and sorting is stable.
            waiting.sort_by(|a, b| {
                let values = if descending { b.value.cmp(&a.value) } else { a.value.cmp(&b.value) };
                a.time.cmp(&b.time).then(if by_value { values } else { std::cmp::Ordering::Equal })
            });
            fleet.restart(step.workers);
            let given = fleet.step(&tick, &batches(&step.rows, &step.cuts));
            late -= given.late;
            let (over, rest): (Vec<Row>, Vec<Row>) = waiting.into_iter().partition(|row| row.time <= tick.watermark);
            waiting = rest;
            let shown: Vec<String> = given.changes().into_iter().map(|(_, row)| row).collect();
            let expected: Vec<String> = over.iter().map(|row| text(&batch(std::slice::from_ref(row)), 0)).collect();
            prop_assert_eq!(shown, expected);
        }
        prop_assert_eq!((late, fleet.state_rows()), (0, 0));
    }
}
