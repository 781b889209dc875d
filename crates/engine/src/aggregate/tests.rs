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
        AggFunction::Lag { offset } => live.iter().rev().nth(offset.unwrap_or(1)).copied(),
        AggFunction::Variance { .. } => Some((live.iter().map(|v| v * v).sum::<i64>() - sum * sum / n) / n),
        AggFunction::ListAgg { .. } | AggFunction::ArrayAgg | AggFunction::Collect | AggFunction::Bitmap { .. } | AggFunction::Own(_) => {
            unreachable!("not asked")
        }
    }
}

/// What is left after all changes, in order of arrival; taking back removes the earliest.
fn live(rows: &[(u32, Option<i64>, bool)], slot: u32) -> Vec<i64> {
    live_with_nulls(rows, slot).into_iter().flatten().collect()
}

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

fn functions() -> Vec<(AggFunction, bool)> {
    use AggFunction::*;
    let plain = [Count, Sum, Avg, Min, Max, FirstValue, LastValue, Variance { sample: false, root: false }];
    let mut all: Vec<_> = plain.into_iter().map(|f| (f, false)).collect();
    all.extend([Count, Sum, Avg].into_iter().map(|f| (f, true)));
    all
}

/// Results of all slots: over the rows as a whole; in two partial results, merged; and these saved and loaded.
fn results(agg: &dyn Aggregate, rows: &[(u32, Option<i64>, bool)], cut: usize, data: &DataType) -> [(&'static str, ArrayRef); 3] {
    let slots: Vec<u32> = (0..SLOTS as u32).collect();
    let mut whole = table(agg);
    feed(agg, &mut whole, rows, data);
    let (mut first, mut second, mut merged) = (table(agg), table(agg), table(agg));
    if agg.mergeable() {
        feed(agg, &mut first, &rows[..cut], data);
        feed(agg, &mut second, &rows[cut..], data);
        for part in [&first, &second] {
            let saved: Vec<ArrayRef> = part.iter().map(|c| c.save(&slots).unwrap()).collect();
            agg.merge(&mut merged, &slots, &saved).unwrap();
        }
    } else {
        feed(agg, &mut merged, &rows[..cut], data);
        feed(agg, &mut merged, &rows[cut..], data);
    }
    let mut loaded = table(agg);
    for (to, from) in loaded.iter_mut().zip(&merged) {
        to.load(&slots, &from.save(&slots).unwrap()).unwrap();
    }
    [("whole", whole), ("merged", merged), ("loaded", loaded)].map(|(label, state)| (label, agg.evaluate(&state, &slots).unwrap()))
}

/// ARRAY_AGG and COLLECT, whose results are compared as text.
fn check_collections(rows: &[(u32, Option<i64>, bool)], cut: usize, retract: bool) {
    let list = DataType::List(Arc::new(Field::new("item", DataType::Int64, true)));
    let entry = vec![Field::new("key", DataType::Int64, false), Field::new("value", DataType::Int32, false)];
    let map = DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry.into()), false)), false);
    for (function, output, distinct) in [
        (AggFunction::ArrayAgg, &list, false),
        (AggFunction::ArrayAgg, &list, true),
        (AggFunction::Collect, &map, false),
        (AggFunction::Collect, &map, true),
    ] {
        let spec = AggSpec { function: function.clone(), args: vec![DataType::Int64], output: output.clone(), distinct, retract };
        for (label, result) in results(&*bind(&spec).unwrap(), rows, cut, &DataType::Int64) {
            for slot in 0..SLOTS as u32 {
                let mut live = live_with_nulls(rows, slot);
                let mut counts = std::collections::BTreeMap::new();
                live.iter().flatten().for_each(|v| *counts.entry(*v).or_insert(0) += 1);
                if distinct {
                    counts.values_mut().for_each(|n| *n = 1);
                    let mut seen = std::collections::HashSet::new();
                    live.retain(|v| seen.insert(*v));
                }
                let items: Vec<String> = match function {
                    AggFunction::Collect => counts.iter().map(|(v, n)| format!("{v}={n}")).collect(),
                    _ => live.iter().map(|v| v.map_or("NULL".into(), |v| v.to_string())).collect(),
                };
                let want = match function {
                    AggFunction::Collect => format!("{{{}}}", items.join(", ")),
                    _ if items.is_empty() => "NULL".into(),
                    _ => format!("[{}]", items.join(", ")),
                };
                let mut got = vec![];
                crate::text::value_text(result.as_ref(), slot as usize, &Field::new("f", output.clone(), true), &mut got);
                assert_eq!(String::from_utf8(got).unwrap(), want, "{function:?} distinct={distinct} {label}");
            }
        }
    }
}

fn check(rows: &[(u32, Option<i64>, bool)], cut: usize, data: &DataType, retract: bool) {
    let slots: Vec<u32> = (0..SLOTS as u32).collect();
    for (function, distinct) in functions() {
        let output = if function == AggFunction::Count { DataType::Int64 } else { data.clone() };
        let agg = bind(&AggSpec { function: function.clone(), args: vec![data.clone()], output, distinct, retract }).unwrap();
        for (label, result) in results(&*agg, rows, cut, data) {
            let result = arrow::compute::cast(&result, &DataType::Int64).unwrap();
            for slot in &slots {
                let got = result.as_primitive::<Int64Type>().iter().nth(*slot as usize).unwrap();
                assert_eq!(got, oracle(&function, distinct, live(rows, *slot)), "{function:?} distinct={distinct} {label} {data}");
            }
        }
    }
}

/// A frame of at most so many rows that moves over the rows of each slot.
fn moving(rows: &[(u32, Option<i64>)], most: usize) -> Scan {
    let mut scan = Scan::default();
    for slot in 0..SLOTS as u32 {
        let first = scan.rows.len();
        scan.rows.extend((0..rows.len() as u32).filter(|row| rows[*row as usize].0 == slot));
        for place in first..scan.rows.len() {
            let leave = if place - first >= most { (place - most) as u32..(place - most) as u32 + 1 } else { 0..0 };
            scan.steps.push(scan::Step { slot, leave, enter: place as u32..place as u32 + 1 });
        }
    }
    scan
}

proptest! {
    #[test]
    fn a_scan_gives_what_updates_give(rows in prop::collection::vec((0..SLOTS as u32, prop::option::of(-5..6i64)), 1..40), most in 1..4usize) {
        let scan = moving(&rows, most);
        let numbers: ArrayRef = Arc::new(rows.iter().map(|r| r.1).collect::<Int64Array>());
        for data in [DataType::Int64, DataType::Int32, DataType::Float64, DataType::Utf8, DataType::Decimal128(10, 2)] {
            let args = [arrow::compute::cast(&numbers, &data).unwrap()];
            for function in [AggFunction::Count, AggFunction::Min, AggFunction::Max, AggFunction::Sum, AggFunction::Avg] {
                let output = match (&function, &data) {
                    (AggFunction::Count, _) => DataType::Int64,
                    (AggFunction::Sum, DataType::Decimal128(..)) => DataType::Decimal128(38, 2),
                    (AggFunction::Avg, DataType::Decimal128(..)) => DataType::Decimal128(38, 6),
                    _ => data.clone(),
                };
                let spec = AggSpec { function: function.clone(), args: vec![data.clone()], output, distinct: false, retract: true };
                let Ok(agg) = bind(&spec) else { continue };
                let own = agg.scan(&mut table(&*agg), &scan, &args).unwrap();
                let updates = scan::in_rounds(&*agg, &mut table(&*agg), &scan, &args).unwrap();
                prop_assert_eq!(&own, &updates, "{:?} {}", function, data);
            }
        }
    }

    #[test]
    fn aggregates_agree_with_the_oracle_under_retraction(rows in changes(), cut in any::<prop::sample::Index>()) {
        check(&rows, cut.index(rows.len() + 1), &DataType::Int64, true);
        check(&rows, cut.index(rows.len() + 1), &DataType::Int32, true);
        check_collections(&rows, cut.index(rows.len() + 1), true);
    }

    #[test]
    fn aggregates_agree_with_the_oracle_without_retraction(rows in changes(), cut in any::<prop::sample::Index>()) {
        let rows: Vec<_> = rows.into_iter().map(|r| (r.0, r.1, true)).collect();
        check(&rows, cut.index(rows.len() + 1), &DataType::Int64, false);
        check_collections(&rows, cut.index(rows.len() + 1), false);
    }
}
