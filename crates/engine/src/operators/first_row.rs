//! Deduplication that keeps the first row of each key by event time: emitted once time has passed it, and never changed.

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, SchemaRef};

use super::windows::TimeColumn;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::key::NO_SLOT;
use crate::state::keyed::KeyedTable;
use crate::state::timed::{Drained, TimedTable};
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// The operator. Rows that come behind the watermark are late.
#[derive(Clone)]
pub struct FirstRow {
    /// Schema of the rows.
    pub schema: SchemaRef,
    /// Columns of the key.
    pub partition: Vec<usize>,
    /// The time to go by, in event time.
    pub time: TimeColumn,
    /// Set by `open`: keys that are done, and the first row so far of others.
    pub tables: Option<(TableId<KeyedTable>, TableId<TimedTable>)>,
}

impl FirstRow {
    /// Keeps rows that are the first ones so far of a key that is not done.
    fn keep(
        &self,
        batch: &Batch,
        passed: i64,
        tick: &Tick,
        done: &mut KeyedTable,
        waiting: &mut TimedTable,
        out: &mut Output,
    ) -> Result<()> {
        let times = self.time.values(batch, tick)?;
        if times.null_count() > 0 {
            return Err(Error::data("the time by which the first row of a key is found is NULL"));
        }
        let keys = waiting.key_of(batch.rows.columns());
        let (mut known, mut slots) = (vec![], vec![]);
        done.lookup(&keys, batch.len(), &mut known)?;
        waiting.find_keys(&keys, batch.len(), &mut slots)?;
        let mut wanted = vec![false; batch.len()];
        for (row, wanted) in wanted.iter_mut().enumerate() {
            let time = times.value(row);
            if time <= passed {
                out.late.add(batch, row, passed);
            } else {
                let earlier = waiting.between(slots[row], i64::MIN..=time).next().is_some();
                *wanted = known[row] == NO_SLOT && !earlier;
            }
        }
        let keep = BooleanArray::from(wanted);
        let rows = batch.filter(&keep)?;
        let times = arrow::compute::filter(&times, &keep)?;
        let times: &arrow::array::Int64Array = arrow::array::AsArray::as_primitive(times.as_ref());
        for (slot, _) in waiting.add(rows.rows.columns(), rows.len(), |row| Some(times.value(row)))?.into_iter().flatten() {
            let behind: Vec<_> = waiting.between(slot, i64::MIN..=i64::MAX).skip(1).map(|(id, _)| id).collect();
            behind.into_iter().for_each(|id| drop(waiting.remove(slot, id)));
        }
        Ok(())
    }

    fn emit(&self, rows: &[Drained], done: &mut KeyedTable, waiting: &TimedTable, out: &mut Output) -> Result<()> {
        let columns: Vec<ArrayRef> = waiting.decode(rows.iter().map(|row| &*row.row.content))?;
        done.upsert(&waiting.key_of(&columns), rows.len(), &mut vec![])?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        out.emit(Batch::inserts(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?));
        Ok(())
    }
}

impl Operator for FirstRow {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let types: Vec<DataType> = self.partition.iter().map(|c| self.schema.field(*c).data_type().clone()).collect();
        let done = state.declare("done", KeyedTable::new(&types, &[]));
        self.tables = Some((done, state.declare("waiting", TimedTable::new(self.schema.clone(), &self.partition))));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let (done, waiting) = self.tables.ok_or_else(|| Error::internal("step before open"))?;
        let (done, waiting) = state.pair(done, waiting);
        let (passed, after) = self.time.span(tick);
        for batch in inputs.iter().flatten() {
            self.keep(batch, passed, tick, done, waiting, out)?;
        }
        let rows = waiting.drain(after);
        if rows.is_empty() { Ok(()) } else { self.emit(&rows, done, waiting, out) }
    }
}
