//! Regular joins: what they emit adds up to the batch result after every tick, and nothing of it cancels out.

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{Field, Int64Type, Schema, SchemaRef};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::harness::*;
use crate::expr::{EvalContext, Expr};
use crate::operators::join::{Join, JoinKind, JoinSpec};
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

fn output(kind: JoinKind) -> SchemaRef {
    let sides = if matches!(kind, JoinKind::Semi | JoinKind::Anti) { 1 } else { 2 };
    let fields =
        (0..sides).flat_map(|_| schema().fields().iter().map(|f| Field::new(f.name(), f.data_type().clone(), true)).collect::<Vec<_>>());
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn spec(kind: JoinKind, keys: &[usize], nulls_equal: bool, condition: bool) -> JoinSpec {
    JoinSpec {
        kind,
        inputs: [schema(), schema()],
        keys: [keys.to_vec(), keys.to_vec()],
        nulls_equal: vec![nulls_equal; keys.len()],
        condition: condition.then(|| Arc::new(LessThan) as Arc<dyn Expr>),
        schema: output(kind),
    }
}

/// The batch result: how often each row is there.
fn batch_result(left: &[Row], right: &[Row], keys: &[usize], spec: &JoinSpec) -> BTreeMap<String, i64> {
    let cells = |row: &Row| text(&batch(&[Row { adds: true, ..row.clone() }]), 0);
    let nothing = vec!["-"; schema().fields().len()].join("|");
    let joins = |l: &Row, r: &Row| {
        let (a, b) = (key_text(l, keys), key_text(r, keys));
        let strict = spec.nulls_equal.first() == Some(&false);
        let fits = spec.condition.is_none() || matches!((l.value, r.value), (Some(a), Some(b)) if a < b);
        a == b && fits && !(strict && a.iter().any(|cell| cell == "-"))
    };
    let mut result = vec![];
    for l in left {
        let partners: Vec<&Row> = right.iter().filter(|r| joins(l, r)).collect();
        match spec.kind {
            JoinKind::Semi if !partners.is_empty() => result.push(cells(l)),
            JoinKind::Anti if partners.is_empty() => result.push(cells(l)),
            JoinKind::Semi | JoinKind::Anti => {}
            _ => result.extend(partners.iter().map(|r| format!("{}|{}", cells(l), cells(r)))),
        }
        if partners.is_empty() && matches!(spec.kind, JoinKind::Left | JoinKind::Full) {
            result.push(format!("{}|{nothing}", cells(l)));
        }
    }
    if matches!(spec.kind, JoinKind::Right | JoinKind::Full) {
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
        let spec = spec(kind, keys, nulls_equal, condition);
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
            prop_assert_eq!(&table, &batch_result(&live_left, &live_right, keys, &spec));
        }
    }
}
