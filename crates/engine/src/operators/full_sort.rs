//! ORDER BY once all rows are there.

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use std::ops::Range;

use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::pile::PileTable;
use crate::state::ranked::{SortColumn, order_bytes};
use crate::state::{State, StateTable, TableId};
use crate::{Batch, Error, Result};

/// Rows of a batch that is emitted.
const BATCH_ROWS: usize = 8 << 10;
/// With a limit, rows are kept until there are so many times as many as it lets through, and at least [`KEPT_ROWS_MIN`]; then those that
/// cannot be in the result go.
const KEPT_TIMES: usize = 4;
/// See [`KEPT_TIMES`].
const KEPT_ROWS_MIN: usize = 64 << 10;

/// Sorts all rows of the input and emits them when it has ended; equal rows as they came. One instance sees all rows.
#[derive(Clone)]
pub struct FullSort {
    /// Schema of the rows.
    pub schema: SchemaRef,
    /// The order.
    pub order: Vec<SortColumn>,
    /// Rows passed over.
    pub skip: usize,
    /// Most rows emitted.
    pub fetch: Option<usize>,
    /// Set by `open`.
    pub table: Option<TableId<PileTable>>,
}

impl FullSort {
    /// The place behind the last row of the result.
    fn end(&self) -> usize {
        self.fetch.map_or(usize::MAX, |fetch| self.skip.saturating_add(fetch))
    }

    /// The rows at these places of the order, in batches.
    fn sorted(&self, batches: &[RecordBatch], places: Range<usize>) -> Result<Vec<RecordBatch>> {
        let keys = batches.iter().map(|batch| order_bytes(&self.order, batch.columns())).collect::<Result<Vec<_>>>()?;
        let rows = batches.iter().enumerate();
        let mut rows: Vec<(usize, usize)> = rows.flat_map(|(i, batch)| (0..batch.num_rows()).map(move |row| (i, row))).collect();
        // Places break ties: the order of arrival stays.
        let compare = |a: &(usize, usize), b: &(usize, usize)| keys[a.0].row(a.1).cmp(&keys[b.0].row(b.1)).then(a.cmp(b));
        let places = places.start.min(rows.len())..places.end.min(rows.len());
        if places.end < rows.len() {
            rows.select_nth_unstable_by(places.end, compare);
            rows.truncate(places.end);
        }
        rows.sort_unstable_by(compare);
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        rows[places].chunks(BATCH_ROWS).map(|chunk| Ok(interleave_record_batch(&batches, chunk)?)).collect()
    }

    /// Lets go of rows that so many others come before.
    fn prune(&self, table: &mut PileTable) -> Result<()> {
        if table.len() <= self.end().saturating_mul(KEPT_TIMES).max(KEPT_ROWS_MIN) {
            return Ok(());
        }
        let kept = self.sorted(&table.take(), 0..self.end())?;
        kept.iter().try_for_each(|batch| table.add(batch.columns(), batch.num_rows()))
    }
}

impl Operator for FullSort {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.table = Some(state.declare("rows", PileTable::new(self.schema.clone(), &[])));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.table.ok_or_else(|| Error::internal("step before open"))?);
        for batch in inputs.iter().flatten() {
            table.add(batch.rows.columns(), batch.len())?;
            self.prune(table)?;
        }
        if tick.last {
            let sorted = self.sorted(&table.take(), self.skip..self.end())?;
            sorted.into_iter().for_each(|batch| out.emit(Batch::inserts(batch)));
        }
        Ok(())
    }
}
