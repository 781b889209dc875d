//! Batch mode's operators against the plain answer over all rows.

use arrow::datatypes::{Field, Schema, SchemaRef};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::harness::*;
use crate::RowKind;
use crate::operator::Operator;
use crate::operators::full_sort::FullSort;
use crate::operators::group_aggregate::{GroupAggregate, GroupSpec};
use crate::operators::held::{Held, HeldInput};
use crate::operators::join::{Join, JoinSpec};
use crate::operators::pairs::{JoinInputs, JoinKind};
use crate::operators::rank::{Rank, RankSpec};
use crate::operators::set_operation::{SetOperation, SetOperationKind};
use crate::state::ranked::SortColumn;

/// Runs all steps and gives the rows of the last tick; none may come before.
fn told(fleet: &mut Fleet, steps: &[Step]) -> Vec<String> {
    let rest = Step { rows: vec![], cuts: vec![], advance: 0, workers: 2 };
    let mut told = vec![];
    for (step, tick) in steps.iter().chain([&rest]).zip(ticks(steps, 0)) {
        fleet.restart(step.workers);
        let given = fleet.step(&tick, &batches(&step.rows, &step.cuts));
        assert!(tick.last || given.batches.is_empty(), "told before the end");
        for (kind, row) in given.changes() {
            assert_eq!(kind, RowKind::Insert);
            told.push(row);
        }
    }
    told
}

fn all(steps: &[Step]) -> Vec<Row> {
    steps.iter().flat_map(|step| step.rows.clone()).collect()
}

fn shown(row: &Row) -> String {
    text(&batch(std::slice::from_ref(row)), 0)
}

fn counted(rows: impl IntoIterator<Item = String>) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    rows.into_iter().for_each(|row| *counts.entry(row).or_default() += 1);
    counts
}

/// The columns of two rows side by side.
fn pair() -> SchemaRef {
    let nullable = |f: &Arc<Field>| f.as_ref().clone().with_nullable(true);
    Arc::new(Schema::new(schema().fields().iter().chain(schema().fields()).map(nullable).collect::<Vec<_>>()))
}

/// LEFT JOIN of two inputs by number, NULL being no number.
fn left_join(left: &[Row], right: &[Row]) -> Vec<String> {
    let mut joined = vec![];
    for l in left {
        let partners = || right.iter().filter(|r| r.number.is_some() && r.number == l.number);
        joined.extend(partners().map(|r| format!("{}|{}", shown(l), shown(r))));
        if partners().next().is_none() {
            joined.push(format!("{}|-|-|-|-|-", shown(l)));
        }
    }
    joined
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_sort_emits_all_rows_in_order(
        steps in steps(20, 0..60),
        (descending, nulls_first, by_name) in any::<(bool, bool, bool)>(),
        skip in 0..5usize,
        fetch in prop::option::of(0..20usize),
    ) {
        let mut order = vec![SortColumn { column: VALUE, descending, nulls_first }];
        order.extend(by_name.then_some(SortColumn { column: NAME, descending: !descending, nulls_first: descending }));
        let sort = FullSort { schema: schema(), order, skip, fetch, table: None };
        let mut fleet = Fleet::new(&[], move || sort.clone());
        let mut rows = all(&steps);
        // NULL comes where it is asked for; the sort is stable.
        let turned = |order: std::cmp::Ordering, turn: bool| if turn { order.reverse() } else { order };
        rows.sort_by(|a, b| {
            let nulls = turned(a.value.is_none().cmp(&b.value.is_none()), nulls_first);
            let names = turned(a.name.cmp(&b.name), !descending);
            nulls.then(turned(a.value.cmp(&b.value), descending)).then(if by_name { names } else { std::cmp::Ordering::Equal })
        });
        let expected: Vec<String> = rows.iter().skip(skip).take(fetch.unwrap_or(usize::MAX)).map(shown).collect();
        prop_assert_eq!(told(&mut fleet, &steps), expected);
    }

    #[test]
    fn an_aggregation_tells_each_result_once(mut steps in steps(20, 0..60), layout in 0..LAYOUTS.len(), retract in any::<bool>()) {
        if retract {
            with_deletions(&mut steps);
        }
        let keys = LAYOUTS[layout];
        let spec = GroupSpec {
            keys: keys.to_vec(),
            key_types: key_types(keys),
            aggregates: aggregates(retract),
            schema: result_schema(keys, false),
        };
        let mut fleet = Fleet::new(keys, move || GroupAggregate::new(spec.clone(), false, true).at_end());
        let mut live = vec![];
        apply(&mut live, &all(&steps));
        let mut groups: BTreeMap<Vec<String>, Vec<Row>> = BTreeMap::new();
        live.into_iter().for_each(|row| groups.entry(key_text(&row, keys)).or_default().push(row));
        let expected = groups.into_iter().map(|(key, rows)| key.into_iter().chain(super::harness::expected(&rows)).collect::<Vec<_>>().join("|"));
        let told = told(&mut fleet, &steps);
        if told.len() == 1 && keys.is_empty() && live_rows(&steps) == 0 {
            // All rows of the only group were taken back: that it had some shows.
            return Ok(());
        }
        prop_assert_eq!(counted(told), counted(expected));
    }

    #[test]
    fn a_ranking_is_told_once(mut steps in steps(20, 0..60), layout in 0..LAYOUTS.len(), retract in any::<bool>(), take in 1..4usize) {
        if retract {
            with_deletions(&mut steps);
        }
        let keys = LAYOUTS[layout];
        let order = vec![SortColumn { column: VALUE, descending: false, nulls_first: true }];
        let (partition, append_only) = (keys.to_vec(), !retract);
        let spec = RankSpec {
            input: schema(),
            partition,
            order,
            latest_first: false,
            skip: 0,
            take,
            with_rank: false,
            append_only,
            update_before: true,
            schema: schema(),
        };
        let mut fleet = Fleet::new(keys, move || Rank::new(spec.clone()).at_end());
        let mut live = vec![];
        apply(&mut live, &all(&steps));
        let mut groups: BTreeMap<Vec<String>, Vec<Row>> = BTreeMap::new();
        live.into_iter().for_each(|row| groups.entry(key_text(&row, keys)).or_default().push(row));
        let expected = groups.into_values().flat_map(|mut rows| {
            rows.sort_by_key(|row| row.value);
            rows.truncate(take);
            rows.into_iter().map(|row| shown(&row))
        });
        prop_assert_eq!(counted(told(&mut fleet, &steps)), counted(expected));
    }

    #[test]
    fn a_held_join_tells_no_row_that_it_would_take_back(left in steps(10, 0..60), right in steps(10, 0..60)) {
        let make = || -> Box<dyn Operator> {
            let inputs = JoinInputs {
                schemas: [schema(), schema()], keys: [vec![NUMBER], vec![NUMBER]], nulls_equal: vec![false], condition: None,
            };
            Box::new(Join::new(JoinSpec { kind: JoinKind::Left, inputs, schema: pair() }))
        };
        let held = HeldInput { schema: schema(), keys: vec![NUMBER] };
        let mut fleet = Fleet::with_inputs(&[&[NUMBER], &[NUMBER]], move || Held::new(make(), vec![held.clone(), held.clone()]));
        prop_assert_eq!(counted(both(&mut fleet, &left, &right)), counted(left_join(&all(&left), &all(&right))));
    }

    #[test]
    fn a_held_set_operation_tells_no_row_that_it_would_take_back(left in steps(10, 0..3), right in steps(10, 0..3)) {
        let columns: Vec<usize> = (0..schema().fields().len()).collect();
        let held = HeldInput { schema: schema(), keys: columns.clone() };
        let mut fleet = Fleet::with_inputs(&[&columns, &columns], move || {
            Held::new(Box::new(SetOperation::new(SetOperationKind::ExceptAll, schema())), vec![held.clone(), held.clone()])
        });
        let mut expected = counted(all(&left).iter().map(shown));
        all(&right).iter().for_each(|row| *expected.entry(shown(row)).or_default() -= 1);
        expected.retain(|_, count| *count > 0);
        prop_assert_eq!(counted(both(&mut fleet, &left, &right)), expected);
    }
}

/// Rows that are left when all deletions are done.
fn live_rows(steps: &[Step]) -> usize {
    let mut live = vec![];
    apply(&mut live, &all(steps));
    live.len()
}

/// Runs an operator with two inputs; none may tell anything before the end.
fn both(fleet: &mut Fleet, left: &[Step], right: &[Step]) -> Vec<String> {
    let rest = Step { rows: vec![], cuts: vec![], advance: 0, workers: 2 };
    let longer = left.len().max(right.len());
    let steps: Vec<Step> = (0..longer).map(|i| left.get(i).or(right.get(i)).unwrap_or(&rest).clone()).collect();
    let mut told = vec![];
    for (i, tick) in ticks(&steps, 0).into_iter().enumerate() {
        let side = |steps: &[Step]| steps.get(i).map_or(vec![], |step| batches(&step.rows, &step.cuts));
        fleet.restart(steps.get(i).unwrap_or(&rest).workers);
        let given = fleet.step_all(&tick, &[&side(left), &side(right)]);
        assert!(tick.last || given.batches.is_empty(), "told before the end");
        for (kind, row) in given.changes() {
            assert_eq!(kind, RowKind::Insert);
            told.push(row);
        }
    }
    told
}

#[test]
fn a_result_without_keys_is_told_of_no_rows() {
    let make = || {
        let spec = GroupSpec { keys: vec![], key_types: vec![], aggregates: aggregates(false), schema: result_schema(&[], false) };
        GroupAggregate::new(spec, false, true).at_end()
    };
    let mut fleet = Fleet::with_inputs(&[&[], &[]], make);
    let ticks = ticks(&[Step { rows: vec![], cuts: vec![], advance: 0, workers: 1 }], 0);
    let seed = [batch(&[Row { number: None, name: None, value: None, time: 0, flag: None, adds: true }])];
    assert!(fleet.step_all(&ticks[0], &[&[], &seed]).batches.is_empty());
    fleet.restart(3);
    let given = fleet.step_all(&ticks[1], &[&[], &[]]);
    assert_eq!(given.rows(), ["+I0|-|-|-|0|-|0"]);
}
