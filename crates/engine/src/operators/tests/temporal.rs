//! Temporal joins: each left row meets the version that a naive reading of all versions gives, and what nobody can ask for is gone.

use proptest::prelude::*;

use super::harness::*;
use super::join::{are_pair, inputs, output};
use crate::operator::Tick;
use crate::operators::deduplicate::{Deduplicate, DeduplicateSpec};
use crate::operators::pairs::{JoinInputs, JoinKind};
use crate::operators::temporal_join::{TemporalJoin, TemporalJoinSpec};

/// All versions that can be asked for, in the order of arrival.
#[derive(Default)]
struct Versions {
    rows: Vec<Row>,
}

impl Versions {
    fn add(&mut self, row: &Row, keys: &[usize], strict: bool) {
        let key = key_text(row, keys);
        if strict && key.iter().any(|cell| cell == "-") {
            return;
        }
        self.rows.retain(|r| key_text(r, keys) != key || r.time != row.time);
        self.rows.push(row.clone());
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
            r.rows.iter().for_each(|row| versions.add(row, keys, !nulls_equal));
            waiting.extend(l.rows.iter().cloned());
            fleet.restart(l.workers);
            let given = fleet.step_all(&tick, &[&batches(&l.rows, &l.cuts), &batches(&r.rows, &r.cuts)]);
            prop_assert!(given.batches.iter().all(|batch| batch.kinds.is_none()));
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
        let spec = DeduplicateSpec { keys: keys.to_vec(), key_types: key_types(keys), time: TIME, condition: None };
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
}
