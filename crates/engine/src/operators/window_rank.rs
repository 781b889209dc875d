//! Top-N and deduplication per window: when a window is over, the first rows of each key in an order.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use std::sync::Arc;

use super::pairs::taken;
use super::rank::RankSpec;
use super::windows::{TimeColumn, keep_until_over, last_moments};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::ranked::order_bytes;
use crate::state::timed::{Drained, TimedTable};
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// The operator. The bounds of the window are among the columns of the key, so that no two windows meet.
pub struct WindowRank {
    spec: RankSpec,
    /// The column that holds the end of a row's window.
    end: usize,
    time: TimeColumn,
    table: Option<TableId<TimedTable>>,
}

impl WindowRank {
    /// Ranks as `spec` says; `end` is the column that holds the end of a row's window, and windows go by `time`.
    pub fn new(spec: RankSpec, end: usize, time: TimeColumn) -> Self {
        Self { spec, end, time, table: None }
    }

    fn fire(&self, rows: &[Drained], table: &TimedTable, out: &mut Output) -> Result<()> {
        let columns = table.decode(rows.iter().map(|row| &*row.row.content))?;
        let (places, ranks) = self.first_rows(rows, &columns)?;
        let mut shown = taken(&columns, &places)?;
        if self.spec.with_rank {
            shown.push(Arc::new(Int64Array::from(ranks)) as ArrayRef);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(places.len()));
        out.emit(Batch::inserts(RecordBatch::try_new_with_options(self.spec.schema.clone(), shown, &options)?));
        Ok(())
    }

    /// Which rows are in the result, and their ranks. The rows of a key lie together, in order of arrival.
    fn first_rows(&self, rows: &[Drained], columns: &[ArrayRef]) -> Result<(Vec<u32>, Vec<i64>)> {
        // Without a column to sort by, rows stay as they came.
        let order = if self.spec.order.is_empty() { None } else { Some(order_bytes(&self.spec.order, columns)?) };
        let (mut places, mut ranks) = (vec![], vec![]);
        let mut start = 0;
        for key in rows.chunk_by(|a, b| (a.id.0, a.slot) == (b.id.0, b.slot)) {
            let mut of_key: Vec<u32> = (start as u32..(start + key.len()) as u32).collect();
            if self.spec.latest_first {
                of_key.reverse();
            }
            if let Some(order) = &order {
                // Stable: rows that are equal in the order stay as they came.
                of_key.sort_by_key(|row| order.row(*row as usize));
            }
            let shown = of_key.into_iter().enumerate().skip(self.spec.skip).take(self.spec.take);
            for (place, row) in shown {
                places.push(row);
                ranks.push(place as i64 + 1);
            }
            start += key.len();
        }
        Ok((places, ranks))
    }
}

impl Operator for WindowRank {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.table = Some(state.declare("rows", TimedTable::new(self.spec.input.clone(), &self.spec.partition)));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.table.ok_or_else(|| Error::internal("step before open"))?);
        let (before, after) = self.time.span(tick);
        for batch in inputs.iter().flatten() {
            let times = last_moments(batch.column(self.end))?;
            keep_until_over(table, batch, &times, before, out)?;
        }
        if after > before || tick.last {
            let over = table.drain(after);
            if !over.is_empty() {
                self.fire(&over, table, out)?;
            }
        }
        self.time.wake(table.first_time().map(|last| last + 1), out);
        Ok(())
    }
}
