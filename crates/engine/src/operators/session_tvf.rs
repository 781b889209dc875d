//! SESSION by itself: each row with the bounds of the session it fell into, once that is closed.

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use std::sync::Arc;

use super::window_aggregate::window_columns;
use super::windows::TimeColumn;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::sessions::SessionTable;
use crate::state::timed::{RowId, TimedTable};
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// Keeps rows until nothing can join their session any more. Rows whose session has passed are late.
#[derive(Clone)]
pub struct SessionTvf {
    /// Rows of a key at most this far apart belong together; milliseconds.
    pub gap: i64,
    /// Which time.
    pub time: TimeColumn,
    /// Key columns of the input.
    pub keys: Vec<usize>,
    /// The input's columns, `window_start`, `window_end`, `window_time`.
    pub schema: SchemaRef,
    /// Set by `open`.
    pub tables: Option<(TableId<SessionTable>, TableId<TimedTable>)>,
}

impl SessionTvf {
    fn input_schema(&self) -> SchemaRef {
        let fields = self.schema.fields();
        Arc::new(Schema::new(fields[..fields.len() - 3].to_vec()))
    }

    /// Puts rows into sessions; gives those that are not late, with their times.
    fn place(&self, batch: &Batch, tick: &Tick, sessions: &mut SessionTable, out: &mut Output) -> Result<(Batch, Int64Array)> {
        let (fired, _) = self.time.span(tick);
        let times = self.time.values(batch, tick)?;
        let keys: Vec<ArrayRef> = self.keys.iter().map(|k| batch.column(*k).clone()).collect();
        let mut key_slots = vec![];
        sessions.key_slots(&keys, batch.len(), &mut key_slots)?;
        let (mut rows, mut kept, mut refused) = (vec![], vec![], vec![]);
        for (row, key) in key_slots.iter().copied().enumerate() {
            if times.is_null(row) {
                return Err(Error::data("event time is NULL"));
            }
            let time = times.value(row);
            let end = time + self.gap;
            if end - 1 <= fired && !sessions.touches(key, time, end) {
                out.late.add(batch, row, fired);
                refused.push(key);
                continue;
            }
            for absorbed in sessions.place(key, time, end).absorbed {
                sessions.release(absorbed);
            }
            rows.push(row as u32);
            kept.push(time);
        }
        sessions.forget_idle(&refused);
        let part = if rows.len() == batch.len() { batch.clone() } else { batch.take(&UInt32Array::from(rows))? };
        Ok((part, Int64Array::from(kept)))
    }

    fn fire(&self, sessions: &mut SessionTable, rows: &mut TimedTable, watermark: i64, out: &mut Output) -> Result<()> {
        let due = sessions.due(watermark);
        if due.is_empty() {
            return Ok(());
        }
        let bounds: Vec<(i64, i64)> = due.iter().map(|s| sessions.bounds(*s)).collect();
        let mut slots = vec![];
        rows.find_keys(&sessions.keys_of(&due)?, due.len(), &mut slots)?;
        due.into_iter().for_each(|s| sessions.release(s));
        let (mut closed, mut of_rows) = (vec![], vec![]);
        for (slot, (start, end)) in slots.into_iter().zip(bounds) {
            let ids: Vec<RowId> = rows.between(slot, start..=end - 1).map(|(id, _)| id).collect();
            of_rows.extend(std::iter::repeat_n((start, end), ids.len()));
            closed.extend(ids.into_iter().filter_map(|id| rows.remove(slot, id)));
        }
        let mut columns = rows.decode(closed.iter().map(|row| &*row.content))?;
        columns.extend(window_columns(&self.schema, of_rows.into_iter(), &self.time));
        out.emit(Batch::inserts(RecordBatch::try_new(self.schema.clone(), columns)?));
        Ok(())
    }

    /// Types of the key columns.
    fn key_types(&self) -> Vec<DataType> {
        self.keys.iter().map(|k| self.schema.field(*k).data_type().clone()).collect()
    }
}

impl Operator for SessionTvf {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let sessions = state.declare("sessions", SessionTable::new(&self.key_types(), &[]));
        let rows = state.declare("rows", TimedTable::new(self.input_schema(), &self.keys));
        self.tables = Some((sessions, rows));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let (sessions, rows) = self.tables.ok_or_else(|| Error::internal("step before open"))?;
        for batch in inputs.iter().flatten() {
            let (part, times) = self.place(batch, tick, state.get(sessions), out)?;
            state.get(rows).add(part.rows.columns(), part.len(), |row| Some(times.value(row)))?;
        }
        let (_, after) = self.time.span(tick);
        let (sessions, rows) = state.pair(sessions, rows);
        self.fire(sessions, rows, after, out)?;
        self.time.wake(sessions.next_due(), out);
        Ok(())
    }
}
