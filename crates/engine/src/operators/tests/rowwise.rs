//! Calc, Expand and Limit.

use arrow::array::*;
use arrow::compute::kernels::{cmp::gt, numeric::add};
use arrow::datatypes::*;
use proptest::prelude::*;
use std::sync::Arc;

use super::harness::*;
use crate::Result;
use crate::expr::{Column, EvalContext, Expr};
use crate::operators::calc::Calc;
use crate::operators::expand::{Expand, GroupingSet};
use crate::operators::limit::Limit;

/// `value > 0`; null where the value is.
struct Positive;
impl Expr for Positive {
    fn evaluate(&self, rows: &RecordBatch, _: &EvalContext) -> Result<ArrayRef> {
        Ok(Arc::new(gt(rows.column(VALUE), &Int64Array::new_scalar(0))?))
    }
}

/// A column plus the watermark, to see that the context gets through.
struct PlusWatermark(usize);
impl Expr for PlusWatermark {
    fn evaluate(&self, rows: &RecordBatch, context: &EvalContext) -> Result<ArrayRef> {
        Ok(add(rows.column(self.0), &Int64Array::new_scalar(context.watermark))?)
    }
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((row(0..9), any::<bool>()).prop_map(|(r, adds)| Row { adds, ..r }), 0..30)
}

fn kind(row: &Row) -> &'static str {
    if row.adds { "+I" } else { "-D" }
}

fn some<T: ToString>(v: &Option<T>) -> String {
    v.as_ref().map_or("-".into(), T::to_string)
}

proptest! {
    #[test]
    fn calc_keeps_rows_for_which_the_condition_is_true(rows in rows(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..3), filtered in any::<bool>()) {
        let fields = vec![Field::new("shifted", DataType::Int64, true), Field::new("name", DataType::Utf8, true)];
        let calc = Calc {
            condition: filtered.then(|| Arc::new(Positive) as Arc<dyn Expr>),
            select: vec![NAME, NUMBER],
            project: vec![Arc::new(PlusWatermark(1)), Arc::new(Column(0))],
            schema: Arc::new(Schema::new(fields)),
        };
        let mut fleet = Fleet::new(&[NUMBER], move || calc.clone());
        let mut tick = ticks(&[], 0)[0];
        tick.watermark_before = 1000;
        let given = fleet.step(&tick, &batches(&rows, &cuts));
        let kept = rows.iter().filter(|r| !filtered || r.value.is_some_and(|v| v > 0));
        let wanted: Vec<String> =
            kept.map(|r| format!("{}{}|{}", kind(r), some(&r.number.map(|n| n + 1000)), some(&r.name))).collect();
        let got: Vec<String> = given.changes().into_iter().map(|(k, t)| format!("{}{t}", k.symbol())).collect();
        prop_assert_eq!(got, wanted, "in order");
    }

    #[test]
    fn expand_copies_each_row_per_grouping_set(rows in rows()) {
        let sets = vec![GroupingSet { id: 0, nulled: vec![] }, GroupingSet { id: 1, nulled: vec![NAME] }, GroupingSet { id: 3, nulled: vec![NUMBER, NAME] }];
        let mut fields: Vec<Field> = schema().fields().iter().map(|f| f.as_ref().clone()).collect();
        fields.push(Field::new("id", DataType::Int64, false));
        let expand = Expand { sets: sets.clone(), schema: Arc::new(Schema::new(fields)) };
        let mut fleet = Fleet::new(&[], move || expand.clone());
        let mut wanted = vec![];
        for (set, row) in sets.iter().flat_map(|s| rows.iter().map(move |r| (s, r))) {
            let mut copy = row.clone();
            if set.nulled.contains(&NAME) {
                copy.name = None;
            }
            if set.nulled.contains(&NUMBER) {
                copy.number = None;
            }
            wanted.push(format!("{}{}|{}", kind(row), text(&batch(&[copy]), 0), set.id));
        }
        wanted.sort();
        prop_assert_eq!(fleet.step(&ticks(&[], 0)[0], &batches(&rows, &[])).rows(), wanted);
    }

    #[test]
    fn limit_passes_the_first_rows_over_all_ticks(steps in steps(6, 0..9), skip in 0..9i64, count in 0..20i64) {
        let mut fleet = Fleet::new(&[], move || Limit::new(skip, count));
        let mut got = vec![];
        for (step, tick) in steps.iter().zip(ticks(&steps, 0)) {
            fleet.restart(step.workers);
            got.extend(fleet.step(&tick, &batches(&step.rows, &step.cuts)).changes().into_iter().map(|(_, row)| row));
        }
        let all = steps.iter().flat_map(|s| &s.rows).map(|r| text(&batch(std::slice::from_ref(r)), 0));
        let wanted: Vec<String> = all.skip(skip as usize).take(count as usize).collect();
        prop_assert_eq!(got, wanted);
    }
}
