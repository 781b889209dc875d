//! INTERSECT ALL and EXCEPT ALL: the changelog adds up to the batch result after every tick, and nothing of it cancels out.

use proptest::prelude::*;
use std::collections::BTreeMap;

use super::harness::*;
use crate::Batch;
use crate::operators::set_operation::{SetOperation, SetOperationKind};

/// Columns with few values, so that equal rows are many.
const COLUMNS: [usize; 2] = [NUMBER, FLAG];

fn projected(batches: Vec<Batch>) -> Vec<Batch> {
    batches.into_iter().map(|b| b.with_rows(b.rows.project(&COLUMNS).unwrap())).collect()
}

fn counts(rows: &[Row]) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(key_text(row, &COLUMNS).join("|")).or_default() += 1);
    counts
}

fn batch_result(kind: SetOperationKind, left: &[Row], right: &[Row]) -> BTreeMap<String, i64> {
    let right = counts(right);
    let times = |(row, left): (String, i64)| {
        let right = right.get(&row).copied().unwrap_or(0);
        let times = if kind == SetOperationKind::IntersectAll { left.min(right) } else { left - right };
        (times > 0).then_some((row, times))
    };
    counts(left).into_iter().filter_map(times).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_changelog_adds_up_to_the_batch_result(
        mut left in steps(12, 0..50),
        mut right in steps(12, 0..50),
        intersect in any::<bool>(),
        (retract_left, retract_right) in any::<(bool, bool)>(),
    ) {
        if retract_left {
            with_deletions(&mut left);
        }
        if retract_right {
            with_deletions(&mut right);
        }
        let kind = if intersect { SetOperationKind::IntersectAll } else { SetOperationKind::ExceptAll };
        let schema = std::sync::Arc::new(schema().project(&COLUMNS).unwrap());
        let mut fleet = Fleet::with_inputs(&[&[0, 1], &[0, 1]], move || SetOperation::new(kind, schema.clone()));
        let (mut live_left, mut live_right) = (vec![], vec![]);
        let mut table: BTreeMap<String, i64> = BTreeMap::new();
        for ((l, r), tick) in left.iter().zip(&right).zip(ticks(&left, 0)) {
            apply(&mut live_left, &l.rows);
            apply(&mut live_right, &r.rows);
            fleet.restart(l.workers);
            let given = fleet.step_all(&tick, &[&projected(batches(&l.rows, &l.cuts)), &projected(batches(&r.rows, &r.cuts))]);
            let mut touched = BTreeMap::new();
            for (kind, row) in given.changes() {
                *table.entry(row.clone()).or_default() += if kind.adds() { 1 } else { -1 };
                prop_assert_eq!(*touched.entry(row.clone()).or_insert(kind), kind, "{} comes and goes in one tick", row);
            }
            table.retain(|_, count| *count != 0);
            prop_assert_eq!(&table, &batch_result(kind, &live_left, &live_right));
            let rows: std::collections::BTreeSet<String> = counts(&live_left).into_keys().chain(counts(&live_right).into_keys()).collect();
            prop_assert_eq!(fleet.state_rows(), rows.len(), "rows that are in neither input are forgotten");
        }
    }
}
