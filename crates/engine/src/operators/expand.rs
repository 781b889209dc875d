//! Expand: one copy of each row per grouping set, with the keys that the set leaves out set to null.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, new_null_array};
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

use crate::Result;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::State;

/// A grouping set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupingSet {
    /// Tells the sets apart, and is what `GROUPING_ID` gives.
    pub id: i64,
    /// Columns of the input that become null.
    pub nulled: Vec<usize>,
}

/// See the module. The output has all columns of the input and the set's id behind them.
#[derive(Clone)]
pub struct Expand {
    /// The sets.
    pub sets: Vec<GroupingSet>,
    /// Schema of the output; nulled columns are nullable in it.
    pub schema: SchemaRef,
}

impl Operator for Expand {
    fn step(&mut self, _: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        for batch in inputs.iter().flatten() {
            for set in &self.sets {
                let mut columns: Vec<ArrayRef> = batch.rows.columns().to_vec();
                for column in &set.nulled {
                    columns[*column] = new_null_array(columns[*column].data_type(), batch.len());
                }
                columns.push(Arc::new(Int64Array::from(vec![set.id; batch.len()])));
                out.emit(batch.with_rows(RecordBatch::try_new(self.schema.clone(), columns)?));
            }
        }
        Ok(())
    }
}
