//! A window table-valued function by itself: each row once per window that it falls into, with the window's bounds.

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::datatypes::SchemaRef;

use super::window_aggregate::window_columns;
use super::windows::{TimeColumn, Windows};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::State;
use crate::{Batch, Error, Result};

/// Assigns TUMBLE, HOP or CUMULATE windows. Drops nothing, however late.
#[derive(Clone)]
pub struct WindowTvf {
    /// Which windows.
    pub windows: Windows,
    /// Which time.
    pub time: TimeColumn,
    /// The input's columns, `window_start`, `window_end`, `window_time`.
    pub schema: SchemaRef,
}

impl WindowTvf {
    fn assign(&self, batch: &Batch, tick: &Tick) -> Result<Batch> {
        let times = self.time.values(batch, tick)?;
        let (mut rows, mut bounds) = (vec![], vec![]);
        for row in 0..batch.len() {
            if times.is_null(row) {
                return Err(Error::data("event time is NULL"));
            }
            let slice_end = self.windows.slice_end(times.value(row));
            let last = self.windows.last_window_end(slice_end);
            let mut end = slice_end;
            while end <= last {
                rows.push(row as u32);
                bounds.push((self.windows.window_start(end), end));
                end += self.windows.slice();
            }
        }
        let part = batch.take(&UInt32Array::from(rows))?;
        let mut columns: Vec<ArrayRef> = part.rows.columns().to_vec();
        columns.extend(window_columns(&self.schema, bounds.iter().copied(), &self.time));
        Ok(part.with_rows(RecordBatch::try_new(self.schema.clone(), columns)?))
    }
}

impl Operator for WindowTvf {
    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        for batch in inputs.iter().flatten() {
            out.emit(self.assign(batch, tick)?);
        }
        Ok(())
    }
}
