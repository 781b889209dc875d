//! Aggregates against a from-scratch oracle: random rows, retractions of what was there, any split into partial results.

use arrow::array::*;
use arrow::datatypes::*;
use proptest::prelude::*;
use std::sync::Arc;

use super::*;

const SLOTS: usize = 3;

/// (slot, value, adds): a retraction takes back a value that is there.
fn changes() -> impl Strategy<Value = Vec<(u32, Option<i64>, bool)>> {
    prop::collection::vec((0..SLOTS as u32, prop::option::of(-3..4i64), any::<bool>()), 0..40).prop_map(|rows| {
        let mut live: Vec<(u32, Option<i64>)> = vec![];
        let mut out = vec![];
        for (slot, value, add) in rows {
            match (add, live.iter().position(|r| *r == (slot, value))) {
                (false, Some(i)) => {
                    live.remove(i);
                    out.push((slot, value, false));
                }
                _ => {
                    live.push((slot, value));
                    out.push((slot, value, true));
                }
            }
        }
        out
    })
}

fn table(agg: &dyn Aggregate) -> Vec<Column> {
    let mut columns: Vec<Column> = agg.columns().into_iter().map(Column::new).collect();
    columns.iter_mut().for_each(|c| c.grow(SLOTS));
    columns
}

fn feed(agg: &dyn Aggregate, state: &mut [Column], rows: &[(u32, Option<i64>, bool)], data: &DataType) {
    let numbers: ArrayRef = Arc::new(rows.iter().map(|r| r.1).collect::<Int64Array>());
    let args = [arrow::compute::cast(&numbers, data).unwrap()];
    let slots: Vec<u32> = rows.iter().map(|r| r.0).collect();
    let kinds: Vec<RowKind> = rows.iter().map(|r| if r.2 { RowKind::Insert } else { RowKind::Delete }).collect();
    agg.update(state, &slots, AggInput { args: &args, keep: None, kinds: Some(&kinds) }).unwrap();
}

fn oracle(function: &AggFunction, distinct: bool, mut live: Vec<i64>) -> Option<i64> {
    if distinct {
        let mut seen = std::collections::HashSet::new();
        live.retain(|v| seen.insert(*v));
    }
    let n = live.len() as i64;
    let sum: i64 = live.iter().sum();
    match function {
        AggFunction::Count => Some(n),
        _ if n == 0 => None,
        AggFunction::Sum => Some(sum),
        AggFunction::Avg => Some(sum / n),
        AggFunction::Min => live.iter().min().copied(),
        AggFunction::Max => live.iter().max().copied(),
        AggFunction::FirstValue => live.first().copied(),
        AggFunction::LastValue => live.last().copied(),
        AggFunction::Variance { .. } => Some((live.iter().map(|v| v * v).sum::<i64>() - sum * sum / n) / n),
        AggFunction::ListAgg { .. } | AggFunction::ArrayAgg | AggFunction::Collect => unreachable!("not asked"),
    }
}

/// What is left after all changes, in order of arrival; taking back removes the earliest.
fn live_with_nulls(rows: &[(u32, Option<i64>, bool)], slot: u32) -> Vec<Option<i64>> {
    let mut live = vec![];
    for (_, value, add) in rows.iter().filter(|r| r.0 == slot) {
        if *add {
            live.push(*value);
        } else if let Some(i) = live.iter().position(|v| v == value) {
            live.remove(i);
        }
    }
    live
}

fn live(rows: &[(u32, Option<i64>, bool)], slot: u32) -> Vec<i64> {
    live_with_nulls(rows, slot).into_iter().flatten().collect()
}

/// The values of ARRAY_AGG in order, or the values and counts of COLLECT by value.
fn collected(result: &ArrayRef, slot: usize) -> Vec<(Option<i64>, i32)> {
    let numbers = |a: &ArrayRef| a.as_primitive::<Int64Type>().iter().collect::<Vec<_>>();
    match result.as_list_opt::<i32>() {
        Some(lists) if lists.is_null(slot) => vec![],
        Some(lists) => numbers(&lists.value(slot)).into_iter().map(|v| (v, 1)).collect(),
        None => {
            let entries = result.as_map().value(slot);
            let counts = entries.column(1).as_primitive::<Int32Type>();
            numbers(entries.column(0)).into_iter().zip(counts.values().iter().copied()).collect()
        }
    }
}

fn check_collections(rows: &[(u32, Option<i64>, bool)], cut: usize, retract: bool) {
    let slots: Vec<u32> = (0..SLOTS as u32).collect();
    let entries = Fields::from(vec![Field::new("key", DataType::Int64, false), Field::new("value", DataType::Int32, false)]);
    let multiset = DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false);
    let list = DataType::new_list(DataType::Int64, true);
    for (function, output) in [(AggFunction::ArrayAgg, list), (AggFunction::Collect, multiset)] {
        for distinct in [false, true] {
            let spec = AggSpec { function: function.clone(), args: vec![DataType::Int64], output: output.clone(), distinct, retract };
            let agg = bind(&spec).unwrap();
            let mut state = table(&*agg);
            feed(&*agg, &mut state, &rows[..cut], &DataType::Int64);
            let saved: Vec<ArrayRef> = state.iter().map(|c| c.save(&slots).unwrap()).collect();
            let mut state = table(&*agg);
            if agg.mergeable() {
                agg.merge(&mut state, &slots, &saved).unwrap();
            } else {
                state.iter_mut().zip(&saved).for_each(|(column, saved)| column.load(&slots, saved).unwrap());
            }
            feed(&*agg, &mut state, &rows[cut..], &DataType::Int64);
            let result = agg.evaluate(&state, &slots).unwrap();
            for slot in &slots {
                let live = live_with_nulls(rows, *slot);
                let mut expected: Vec<(Option<i64>, i32)> = vec![];
                for value in live.into_iter().filter(|v| function == AggFunction::ArrayAgg || v.is_some()) {
                    match expected.iter_mut().find(|(v, _)| *v == value) {
                        Some((_, count)) if function == AggFunction::Collect => *count += i32::from(!distinct),
                        Some(_) if distinct => {}
                        _ => expected.push((value, 1)),
                    }
                }
                if function == AggFunction::Collect {
                    expected.sort();
                }
                assert_eq!(collected(&result, *slot as usize), expected, "{function:?} distinct={distinct}");
            }
        }
    }
}

fn functions() -> Vec<(AggFunction, bool)> {
    use AggFunction::*;
    let plain = [Count, Sum, Avg, Min, Max, FirstValue, LastValue, Variance { sample: false, root: false }];
    let mut all: Vec<_> = plain.into_iter().map(|f| (f, false)).collect();
    all.extend([Count, Sum, Avg].into_iter().map(|f| (f, true)));
    all
}

fn check(rows: &[(u32, Option<i64>, bool)], cut: usize, data: &DataType, retract: bool) {
    let slots: Vec<u32> = (0..SLOTS as u32).collect();
    for (function, distinct) in functions() {
        let output = if function == AggFunction::Count { DataType::Int64 } else { data.clone() };
        let agg = bind(&AggSpec { function: function.clone(), args: vec![data.clone()], output, distinct, retract }).unwrap();
        let mut whole = table(&*agg);
        feed(&*agg, &mut whole, rows, data);

        // The same in two partial results, merged, then saved and loaded.
        let (mut first, mut second, mut merged) = (table(&*agg), table(&*agg), table(&*agg));
        if agg.mergeable() {
            feed(&*agg, &mut first, &rows[..cut], data);
            feed(&*agg, &mut second, &rows[cut..], data);
            for part in [&first, &second] {
                let saved: Vec<ArrayRef> = part.iter().map(|c| c.save(&slots).unwrap()).collect();
                agg.merge(&mut merged, &slots, &saved).unwrap();
            }
        } else {
            feed(&*agg, &mut merged, &rows[..cut], data);
            feed(&*agg, &mut merged, &rows[cut..], data);
        }
        let mut loaded = table(&*agg);
        for (to, from) in loaded.iter_mut().zip(&merged) {
            to.load(&slots, &from.save(&slots).unwrap()).unwrap();
        }
        for (label, state) in [("whole", &whole), ("merged", &merged), ("loaded", &loaded)] {
            let result = agg.evaluate(state, &slots).unwrap();
            let result = arrow::compute::cast(&result, &DataType::Int64).unwrap();
            for slot in &slots {
                let got = result.as_primitive::<Int64Type>().iter().nth(*slot as usize).unwrap();
                assert_eq!(got, oracle(&function, distinct, live(rows, *slot)), "{function:?} distinct={distinct} {label} {data}");
            }
        }
    }
}

proptest! {
    #[test]
    fn aggregates_agree_with_the_oracle_under_retraction(rows in changes(), cut in any::<prop::sample::Index>()) {
        check(&rows, cut.index(rows.len() + 1), &DataType::Int64, true);
        check(&rows, cut.index(rows.len() + 1), &DataType::Int32, true);
    }

    #[test]
    fn aggregates_agree_with_the_oracle_without_retraction(rows in changes(), cut in any::<prop::sample::Index>()) {
        let rows: Vec<_> = rows.into_iter().map(|r| (r.0, r.1, true)).collect();
        check(&rows, cut.index(rows.len() + 1), &DataType::Int64, false);
    }

    #[test]
    fn collections_agree_with_the_oracle(rows in changes(), cut in any::<prop::sample::Index>(), retract in any::<bool>()) {
        let rows: Vec<_> = rows.into_iter().filter(|r| retract || r.2).collect();
        check_collections(&rows, cut.index(rows.len() + 1), retract);
    }
}
