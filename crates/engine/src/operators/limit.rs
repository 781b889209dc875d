//! LIMIT over an insert-only input: the first rows that come, in order of arrival.

use arrow::datatypes::DataType;

use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::column::ColumnKind;
use crate::state::keyed::KeyedTable;
use crate::state::{State, TableId};
use crate::{Error, Result};

/// Passes `count` rows after the first `skip`. Runs on one worker.
pub struct Limit {
    skip: i64,
    count: i64,
    passed: Option<TableId<KeyedTable>>,
}

impl Limit {
    /// `count` rows from row `skip` on.
    pub fn new(skip: i64, count: i64) -> Self {
        Self { skip, count, passed: None }
    }
}

impl Operator for Limit {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let no_key: &[DataType] = &[];
        self.passed = Some(state.declare("seen", KeyedTable::new(no_key, &[ColumnKind::I64])));
        Ok(())
    }

    fn step(&mut self, _: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.passed.ok_or_else(|| Error::internal("step before open"))?);
        let mut slots = vec![];
        for batch in inputs.iter().flatten() {
            table.upsert(&[], 1, &mut slots)?;
            let seen = &mut table.columns_mut()[0].i64s_mut()[slots[0] as usize];
            let rows = batch.len() as i64;
            let from = (self.skip - *seen).clamp(0, rows);
            let to = (self.skip.saturating_add(self.count) - *seen).clamp(from, rows);
            *seen = seen.saturating_add(rows);
            out.emit(batch.slice(from as usize, (to - from) as usize));
        }
        Ok(())
    }
}
