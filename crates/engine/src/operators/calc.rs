//! Calc: filter and project.

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

use crate::expr::{EvalContext, Expr};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::State;
use crate::{Batch, Error, Result};

/// Keeps the rows for which the condition is true and computes columns of them.
#[derive(Clone)]
pub struct Calc {
    /// `None`: all rows. Over the input.
    pub condition: Option<Arc<dyn Expr>>,
    /// Columns of the input that the projection reads: only these are carried past the condition.
    pub select: Vec<usize>,
    /// Columns of the output, over the selected columns.
    pub project: Vec<Arc<dyn Expr>>,
    /// Schema of the output.
    pub schema: SchemaRef,
}

impl Calc {
    /// The batch after the condition, with the selected columns; `None` when no row passes.
    fn filter(&self, batch: &Batch, context: &EvalContext) -> Result<Option<Batch>> {
        let selected = batch.with_rows(batch.rows.project(&self.select)?);
        let Some(condition) = &self.condition else { return Ok(Some(selected)) };
        let keep = condition.evaluate(&batch.rows, context)?;
        let keep: &BooleanArray = keep.as_boolean_opt().ok_or_else(|| Error::internal("a condition must be BOOLEAN"))?;
        match keep.true_count() {
            0 => Ok(None),
            n if n == batch.len() => Ok(Some(selected)),
            _ => Ok(Some(selected.filter(keep)?)),
        }
    }
}

impl Operator for Calc {
    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        let context = tick.eval();
        for batch in inputs.iter().flatten() {
            let Some(batch) = self.filter(batch, &context)? else { continue };
            let columns: Vec<ArrayRef> = self.project.iter().map(|e| e.evaluate(&batch.rows, &context)).collect::<Result<_>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(batch.len()));
            let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
            out.emit(batch.with_rows(rows));
        }
        Ok(())
    }
}
