//! Window aggregation over SESSION windows.

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, SchemaRef};

use super::window_aggregate::window_columns;
use super::windows::TimeColumn;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::aggregates::Aggregates;
use crate::state::sessions::SessionTable;
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// Aggregates rows of a key that are less than a gap apart.
#[derive(Clone)]
pub struct SessionAggregate {
    /// Rows at most this far apart belong together; milliseconds.
    pub gap: i64,
    /// Which time.
    pub time: TimeColumn,
    /// Key columns of the input.
    pub keys: Vec<usize>,
    /// Their types.
    pub key_types: Vec<DataType>,
    /// The aggregate calls, over the input.
    pub aggregates: Aggregates,
    /// Keys, results, `window_start`, `window_end`, `window_time`.
    pub schema: SchemaRef,
    /// Set by `open`.
    pub sessions: Option<TableId<SessionTable>>,
}

impl SessionAggregate {
    fn fold(&self, batch: &Batch, tick: &Tick, sessions: &mut SessionTable, out: &mut Output) -> Result<()> {
        let (fired, _) = self.time.span(tick);
        let times = self.time.values(batch, tick)?;
        let keys: Vec<ArrayRef> = self.keys.iter().map(|k| batch.column(*k).clone()).collect();
        let mut key_slots = vec![];
        sessions.key_slots(&keys, batch.len(), &mut key_slots)?;
        let (mut rows, mut slots, mut joins, mut refused) = (vec![], vec![], vec![], vec![]);
        for (row, key) in key_slots.iter().copied().enumerate() {
            if times.is_null(row) {
                return Err(Error::data("event time is NULL"));
            }
            let time = times.value(row);
            let end = time + self.gap;
            // A row whose own window has passed still counts if it falls into a session that is open.
            if end - 1 <= fired && !sessions.touches(key, time, end) {
                out.late.add(batch, row, fired);
                refused.push(key);
                continue;
            }
            let placed = sessions.place(key, time, end);
            rows.push(row as u32);
            slots.push(placed.session);
            joins.extend(placed.absorbed.into_iter().map(|from| (from, placed.session)));
        }
        let part = if rows.len() == batch.len() { batch.clone() } else { batch.take(&UInt32Array::from(rows))? };
        self.aggregates.update(sessions.columns_mut(), &slots, &part)?;
        for (from, into) in joins {
            let saved = sessions.columns().iter().map(|c| c.save(&[from])).collect::<Result<Vec<_>>>()?;
            self.aggregates.merge(sessions.columns_mut(), &[into], &saved)?;
            sessions.release(from);
        }
        sessions.forget_idle(&refused);
        Ok(())
    }

    fn fire(&self, sessions: &mut SessionTable, watermark: i64, out: &mut Output) -> Result<()> {
        let due = sessions.due(watermark);
        if due.is_empty() {
            return Ok(());
        }
        let mut columns = sessions.keys_of(&due)?;
        columns.extend(self.aggregates.evaluate(sessions.columns(), &due)?);
        let bounds: Vec<(i64, i64)> = due.iter().map(|s| sessions.bounds(*s)).collect();
        columns.extend(window_columns(&self.schema, bounds.iter().copied(), &self.time));
        out.emit(Batch::inserts(RecordBatch::try_new(self.schema.clone(), columns)?));
        due.into_iter().for_each(|s| sessions.release(s));
        Ok(())
    }
}

impl Operator for SessionAggregate {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.sessions = Some(state.declare("sessions", SessionTable::new(&self.key_types, &self.aggregates.columns())));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let sessions = state.get(self.sessions.ok_or_else(|| Error::internal("step before open"))?);
        for batch in inputs.iter().flatten() {
            self.fold(batch, tick, sessions, out)?;
        }
        let (_, after) = self.time.span(tick);
        self.fire(sessions, after, out)?;
        self.time.wake(sessions.next_due(), out);
        Ok(())
    }
}
