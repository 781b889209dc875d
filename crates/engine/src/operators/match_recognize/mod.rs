//! MATCH_RECOGNIZE: finds sequences of rows that match a pattern, by key and in the order of time.
//!
//! [`program`] makes an automaton of the pattern. Rows wait in the state table until it is their turn; then [`runs`] steps the
//! partial matches of their key, whose histories share their beginnings. What a variable demands of a row ([`condition`]) is mostly
//! a BOOLEAN column that came with it; only what looks back ([`history`]) is computed row by row. [`output`] makes rows of matches.

pub mod condition;
pub mod history;
pub mod output;
pub mod program;
mod runs;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array};
use arrow::compute::filter;
use arrow::datatypes::SchemaRef;

use super::windows::TimeColumn;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::matches::MatchTable;
use crate::state::ranked::{SortColumn, order_bytes};
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};
use condition::Condition;
use output::OutputColumn;
use program::Program;
use runs::Machine;

/// Where the search goes on after a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AfterMatch {
    /// Behind its last row.
    PastLastRow,
    /// At the row behind its first one.
    ToNextRow,
    /// At the first row of a variable.
    ToFirst(u16),
    /// At the last row of a variable.
    ToLast(u16),
}

/// What to find and what to put out.
#[derive(Clone)]
pub struct MatchSpec {
    /// Schema of the input.
    pub input: SchemaRef,
    /// Columns of the key.
    pub partition: Vec<usize>,
    /// The time that rows are ordered by; event or processing time.
    pub time: TimeColumn,
    /// The order of rows of the same time.
    pub order: Vec<SortColumn>,
    /// The rows of each key come in their order, though perhaps long after the watermark has passed them: a key's time is that of its
    /// rows.
    pub sorted: bool,
    /// The pattern.
    pub program: Program,
    /// The pattern as it was written.
    pub pattern_text: String,
    /// By variable, what it demands of a row.
    pub conditions: Vec<Condition>,
    /// By variable, its name.
    pub names: Vec<String>,
    /// From the first to the last row of a match less time passes than this; milliseconds.
    pub within_ms: Option<i64>,
    /// Partial matches that ran out of time are put out too.
    pub timed_out: bool,
    /// Where to go on.
    pub after_match: AfterMatch,
    /// A row for each row of a match, not one for all.
    pub all_rows: bool,
    /// The result.
    pub output: Vec<OutputColumn>,
    /// The matches of a key are counted, so that keys are never forgotten.
    pub numbered: bool,
    /// Schema of the result.
    pub schema: SchemaRef,
}

/// The operator.
pub struct MatchRecognize {
    spec: MatchSpec,
    table: Option<TableId<MatchTable>>,
}

impl MatchRecognize {
    /// Matches as `spec` says.
    pub fn new(spec: MatchSpec) -> Self {
        Self { spec, table: None }
    }

    /// Keeps the rows of a batch until it is their turn; those whose turn has passed are late.
    fn keep(&self, table: &mut MatchTable, batch: &Batch, tick: &Tick, out: &mut Output) -> Result<()> {
        let times = self.spec.time.values(batch, tick)?;
        if times.null_count() > 0 {
            return Err(Error::data("the time of a row in MATCH_RECOGNIZE is NULL"));
        }
        let (passed, _) = self.span(tick);
        if times.values().iter().all(|time| *time > passed) {
            return table.add(batch.rows.columns(), times.values());
        }
        let in_time: BooleanArray = times.values().iter().map(|time| Some(*time > passed)).collect();
        (0..batch.len()).filter(|row| !in_time.value(*row)).for_each(|row| out.late.add(batch, row, passed));
        let columns = batch.rows.columns().iter().map(|c| Ok(filter(c, &in_time)?)).collect::<Result<Vec<ArrayRef>>>()?;
        let times: Int64Array = times.iter().filter(|time| time.is_some_and(|t| t > passed)).collect();
        table.add(&columns, times.values())
    }

    /// Rows up to the first time have had their turn; those up to the second one have it in this tick.
    fn span(&self, tick: &Tick) -> (i64, i64) {
        match self.spec.time {
            _ if self.spec.sorted => (i64::MIN, i64::MAX),
            TimeColumn::Processing => (i64::MIN, tick.now_ms),
            _ => self.spec.time.span(tick),
        }
    }

    /// Rows of the same time in their order.
    fn sort(&self, table: &MatchTable, rows: &mut Vec<(u32, u32)>) -> Result<()> {
        if self.spec.order.is_empty() || rows.len() < 2 {
            return Ok(());
        }
        let order: Vec<SortColumn> = self.spec.order.iter().enumerate().map(|(i, by)| SortColumn { column: i, ..*by }).collect();
        let columns = self.spec.order.iter().map(|by| table.rows.gather(by.column, rows.iter().map(|(_, row)| Some(*row))));
        let bytes = order_bytes(&order, &columns.collect::<Result<Vec<_>>>()?)?;
        let mut places: Vec<usize> = (0..rows.len()).collect();
        places.sort_by_key(|place| bytes.row(*place));
        *rows = places.into_iter().map(|place| rows[place]).collect();
        Ok(())
    }
}

impl Operator for MatchRecognize {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let spec = &self.spec;
        self.table = Some(state.declare("matches", MatchTable::new(spec.input.clone(), &spec.partition, spec.numbered)));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.table.ok_or_else(|| Error::internal("step before open"))?);
        for batch in inputs.iter().flatten() {
            self.keep(table, batch, tick, out)?;
        }
        let (_, up_to) = self.span(tick);
        let mut machine = Machine::new(&self.spec, tick.eval());
        while let Some(mut rows) = table.next(up_to) {
            self.sort(table, &mut rows)?;
            for (key, row) in rows {
                machine.feed(table, key, row)?;
                table.rows.release(row);
            }
        }
        // Of sorted rows, some that came before may still be held back.
        while let Some((due, key)) = (!self.spec.sorted || tick.last).then(|| table.overdue(up_to)).flatten() {
            machine.overdue(table, key, due)?;
        }
        let found = std::mem::take(&mut machine.found);
        if !found.is_empty() {
            out.emit(output::rows(&self.spec, table, &found, tick)?);
            runs::release(table, &found);
        }
        if let TimeColumn::Processing = self.spec.time {
            table.next_due().into_iter().for_each(|due| out.wake_at(due));
        }
        Ok(())
    }
}
