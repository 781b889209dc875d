//! Lookup join: rows and what was found for them on the way, see [`crate::lookup`]. Remembers nothing.

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{SchemaRef, UInt32Type};

use super::pairs::{JoinInputs, JoinKind, taken};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::State;
use crate::{Batch, Error, Result, RowKind};

/// The operator. Port 0 brings the rows, which may be changes; port 1, batch for batch, what was found for them.
#[derive(Clone)]
pub struct LookupJoin {
    /// Inner or left.
    pub kind: JoinKind,
    /// The inputs, and what a pair must fulfil besides its key.
    pub inputs: JoinInputs,
    /// Left columns, then those of the table.
    pub schema: SchemaRef,
}

impl Operator for LookupJoin {
    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        let [rows, answers] = inputs else { return Err(Error::internal("a lookup join has two inputs")) };
        if rows.len() != answers.len() {
            return Err(Error::internal("every batch that crosses a lookup is answered"));
        }
        for (batch, answer) in rows.iter().zip(answers.iter()) {
            self.join(batch, answer, tick, out)?;
        }
        Ok(())
    }
}

impl LookupJoin {
    /// Emits the rows in their order, so that changes of one row stay in theirs.
    fn join(&self, batch: &Batch, answer: &Batch, tick: &Tick, out: &mut Output) -> Result<()> {
        let (found, probe) = answer.rows.columns().split_at(self.inputs.schemas[1].fields().len());
        let probe = probe.first().and_then(|p| p.as_primitive_opt::<UInt32Type>());
        let probe = probe.ok_or_else(|| Error::internal("an answer says what it answers"))?.values();
        let keep = match &self.inputs.condition {
            Some(_) => {
                let mut columns = taken(batch.rows.columns(), probe)?;
                columns.extend(found.iter().cloned());
                self.inputs.fulfilled(&columns, probe.len(), &tick.eval())?
            }
            None => None,
        };
        let fits = |pair: usize| keep.as_ref().is_none_or(|keep| keep.is_valid(pair) && keep.value(pair));
        let (mut left, mut right, mut pair) = (vec![], vec![], 0);
        for row in 0..batch.len() as u32 {
            let before = left.len();
            while probe.get(pair) == Some(&row) {
                if fits(pair) {
                    left.push(row);
                    right.push(Some(pair as u32));
                }
                pair += 1;
            }
            if left.len() == before && self.kind == JoinKind::Left {
                left.push(row);
                right.push(None);
            }
        }
        let kinds: Vec<RowKind> = left.iter().map(|row| batch.kind(*row as usize)).collect();
        let mut columns = taken(batch.rows.columns(), &left)?;
        let right = UInt32Array::from(right);
        for column in found {
            columns.push(take(column, &right, None)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(kinds.len()));
        out.emit(Batch::changes(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?, kinds));
        Ok(())
    }
}
