//! ORDER BY event time: rows come out in order once the watermark has passed them.

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use super::pairs::taken;
use super::windows::{TimeColumn, keep_until_over};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::ranked::{SortColumn, order_bytes};
use crate::state::timed::{Drained, TimedTable};
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// Sorts rows by time, and rows of the same time by other columns. One instance sees all rows. Rows that come behind the watermark
/// are late.
#[derive(Clone)]
pub struct TimeSort {
    /// Schema of the rows.
    pub schema: SchemaRef,
    /// The time to sort by, in event time.
    pub time: TimeColumn,
    /// The order of rows of the same time; those that are equal in it too come out as they came.
    pub order: Vec<SortColumn>,
    /// Set by `open`.
    pub table: Option<TableId<TimedTable>>,
}

impl TimeSort {
    fn emit(&self, rows: &[Drained], table: &TimedTable, out: &mut Output) -> Result<()> {
        let mut columns = table.decode(rows.iter().map(|row| &*row.row.content))?;
        if !self.order.is_empty() {
            columns = taken(&columns, &self.sorted(rows, &columns)?)?;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        out.emit(Batch::inserts(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?));
        Ok(())
    }

    fn sorted(&self, rows: &[Drained], columns: &[ArrayRef]) -> Result<Vec<u32>> {
        let keys = order_bytes(&self.order, columns)?;
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_key(|row| (rows[*row as usize].id.0, keys.row(*row as usize)));
        Ok(order)
    }
}

impl Operator for TimeSort {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.table = Some(state.declare("rows", TimedTable::new(self.schema.clone(), &[])));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.table.ok_or_else(|| Error::internal("step before open"))?);
        let (passed, after) = self.time.span(tick);
        for batch in inputs.iter().flatten() {
            let times = self.time.values(batch, tick)?;
            if times.null_count() > 0 {
                return Err(Error::data("the time of a row that is to be sorted by it is NULL"));
            }
            keep_until_over(table, batch, &times, passed, out)?;
        }
        let rows = table.drain(after);
        if rows.is_empty() { Ok(()) } else { self.emit(&rows, table, out) }
    }
}
