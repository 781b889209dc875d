//! OVER over whole partitions against looking at all rows for each row.

use arrow::datatypes::{DataType, Field, Schema};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::sync::Arc;

use super::harness::*;
use crate::RowKind;
use crate::aggregate::{AggFunction, AggSpec};
use crate::operators::whole_over::frame::{Bound, Distance};
use crate::operators::whole_over::{WholeCall, WholeOver};
use crate::state::ranked::SortColumn;

const AGGREGATES: [(AggFunction, Option<usize>); 5] = [
    (AggFunction::Count, None),
    (AggFunction::Sum, Some(VALUE)),
    (AggFunction::Min, Some(VALUE)),
    (AggFunction::FirstValue, Some(VALUE)),
    (AggFunction::LastValue, Some(VALUE)),
];

fn spec(keys: &[usize], order: &[SortColumn], frame: [Bound; 2], tiles: i64, by: i64) -> WholeOver {
    let aggregate = |(function, arg): &(AggFunction, Option<usize>)| {
        let args = arg.iter().map(|_| DataType::Int64).collect();
        let retract = frame[0] != Bound::Partition;
        let spec = AggSpec { function: function.clone(), args, output: DataType::Int64, distinct: false, retract };
        WholeCall::Aggregate { spec, args: arg.iter().copied().collect(), start: frame[0], end: frame[1] }
    };
    let mut calls: Vec<WholeCall> = AGGREGATES.iter().map(aggregate).collect();
    calls.extend([
        WholeCall::RowNumber,
        WholeCall::Rank,
        WholeCall::DenseRank,
        WholeCall::Ntile(tiles),
        WholeCall::Shift { value: VALUE, by, default: None },
        WholeCall::Shift { value: VALUE, by, default: Some(NUMBER) },
        WholeCall::PercentRank,
        WholeCall::CumeDist,
    ]);
    let mut fields: Vec<Field> = schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    fields.extend((0..calls.len()).map(|i| {
        let t = if i + 2 < calls.len() { DataType::Int64 } else { DataType::Float64 };
        Field::new(format!("result{i}"), t, true)
    }));
    let schema_of_result = Arc::new(Schema::new(fields));
    WholeOver { input: schema(), partition: keys.to_vec(), order: order.to_vec(), calls, schema: schema_of_result, table: None }
}

/// How two rows compare in an order by value, then by name.
fn compare(order: &[SortColumn], a: &Row, b: &Row) -> Ordering {
    let nullable = |null: (bool, bool), by: &SortColumn, values: Ordering| match null {
        (true, true) => Ordering::Equal,
        (true, false) => {
            if by.nulls_first {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (false, true) => {
            if by.nulls_first {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        _ if by.descending => values.reverse(),
        _ => values,
    };
    let by = |by: &SortColumn| match by.column {
        VALUE => nullable((a.value.is_none(), b.value.is_none()), by, a.value.cmp(&b.value)),
        _ => nullable((a.name.is_none(), b.name.is_none()), by, a.name.cmp(&b.name)),
    };
    order.iter().map(by).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

/// The places of a frame among the rows of a key, by looking at each of them.
fn frame(rows: &[Row], at: usize, order: &[SortColumn], [start, end]: [Bound; 2]) -> Vec<usize> {
    let own = rows[at].value;
    let far = |distance: Distance, row: &Row| {
        let Distance::Whole(by) = distance else { unreachable!() };
        let sign = if order[0].descending { -1 } else { 1 };
        row.value.zip(own).map(|(value, own)| (i128::from(value - own) * sign).cmp(&by))
    };
    let after_start = |place: usize| match start {
        Bound::Partition => true,
        Bound::Rows(by) => place as i64 >= at as i64 + by,
        Bound::Peers => compare(order, &rows[place], &rows[at]).is_ge(),
        Bound::Value(distance) => far(distance, &rows[place]).is_some_and(Ordering::is_ge),
    };
    let before_end = |place: usize| match end {
        Bound::Partition => true,
        Bound::Rows(by) => place as i64 <= at as i64 + by,
        Bound::Peers => compare(order, &rows[place], &rows[at]).is_le(),
        Bound::Value(distance) => far(distance, &rows[place]).is_some_and(Ordering::is_le),
    };
    (0..rows.len()).filter(|place| after_start(*place) && before_end(*place)).collect()
}

/// The results for a row of a key, whose rows are sorted.
fn results(rows: &[Row], at: usize, order: &[SortColumn], bounds: [Bound; 2], tiles: i64, by: i64) -> String {
    let some = |v: Option<i64>| v.map_or("-".to_string(), |v| v.to_string());
    let mut cells = vec![text(&batch(&rows[at..at + 1]), 0)];
    let inside = frame(rows, at, order, bounds);
    let values: Vec<i64> = inside.iter().filter_map(|place| rows[*place].value).collect();
    cells.push(inside.len().to_string());
    cells.push(some((!values.is_empty()).then(|| values.iter().sum())));
    cells.extend([values.iter().min(), values.first(), values.last()].map(|v| some(v.copied())));
    let before = rows.iter().filter(|row| compare(order, row, &rows[at]).is_lt()).count();
    let mut kinds: Vec<&Row> = rows.iter().filter(|row| compare(order, row, &rows[at]).is_lt()).collect();
    kinds.dedup_by(|a, b| compare(order, a, b).is_eq());
    let mut tile_of = vec![];
    for tile in 0..tiles as usize {
        let length = rows.len() / tiles as usize + usize::from(tile < rows.len() % tiles as usize);
        tile_of.extend(std::iter::repeat_n(tile + 1, length));
    }
    cells.extend([at + 1, before + 1, kinds.len() + 1, tile_of[at]].map(|n| n.to_string()));
    let other = usize::try_from(at as i64 + by).ok().and_then(|other| rows.get(other));
    cells.push(some(other.and_then(|row| row.value)));
    cells.push(some(other.map_or(rows[at].number, |row| row.value)));
    let part = |n: usize, of: usize| if of == 0 { "0.0".to_string() } else { format!("{:?}", n as f64 / of as f64) };
    cells.extend([part(before, rows.len() - 1), part(at + 1, rows.len())]);
    cells.join("|")
}

fn bound() -> impl Strategy<Value = Bound> {
    prop_oneof![
        Just(Bound::Partition),
        (-3..4i64).prop_map(Bound::Rows),
        Just(Bound::Peers),
        (-3..4i128).prop_map(|by| Bound::Value(Distance::Whole(by))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_row_sees_its_frame(
        mut steps in steps(20, 0..60),
        layout in 0..LAYOUTS.len(),
        (descending, nulls_first, by_name) in any::<(bool, bool, bool)>(),
        bounds in [bound(), bound()],
        (tiles, by) in (1..5i64, -3..4i64),
    ) {
        let by_value = bounds.iter().any(|bound| matches!(bound, Bound::Value(_)));
        let mut order = vec![SortColumn { column: VALUE, descending, nulls_first }];
        order.extend((by_name && !by_value).then_some(SortColumn { column: NAME, descending: false, nulls_first: true }));
        // What Flink makes of NULL in a distance is in the parity cases.
        for row in steps.iter_mut().flat_map(|step| &mut step.rows).filter(|_| by_value) {
            row.value = row.value.or(Some(0));
        }
        // Rows that come in one tick each, on one worker, stay in their order.
        let keys = LAYOUTS[layout];
        let spec = spec(keys, &order, bounds, tiles, by);
        let mut fleet = Fleet::new(keys, move || spec.clone());
        let rest = Step { rows: vec![], cuts: vec![], advance: 0, workers: 2 };
        let (mut given, mut rows): (Vec<String>, Vec<Row>) = (vec![], vec![]);
        for (step, tick) in steps.iter().chain([&rest]).zip(ticks(&steps, 0)) {
            fleet.restart(step.workers);
            rows.extend(step.rows.clone());
            for (kind, row) in fleet.step(&tick, &batches(&step.rows, &step.cuts)).changes() {
                prop_assert!(tick.last && kind == RowKind::Insert);
                given.push(row);
            }
        }
        rows.sort_by(|a, b| key_text(a, keys).cmp(&key_text(b, keys)).then_with(|| compare(&order, a, b)));
        let same_key = |a: &Row, b: &Row| key_text(a, keys) == key_text(b, keys);
        let of_key = |rows: &[Row]| (0..rows.len()).map(|at| results(rows, at, &order, bounds, tiles, by)).collect::<Vec<_>>();
        let mut expected: Vec<String> = rows.chunk_by(same_key).flat_map(of_key).collect();
        given.sort();
        expected.sort();
        prop_assert_eq!(given, expected);
        prop_assert_eq!(fleet.state_rows(), 0);
    }
}
