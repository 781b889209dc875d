//! Window join: rows of two inputs that lie in the same window, joined when the window is over.

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter;
use arrow::datatypes::{DataType, SchemaRef};

use super::pairs::{JoinInputs, JoinKind, PAIRS_MAX, beside, kept, taken};
use super::windows::{TimeColumn, keep_until_over, last_moments};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::key::{KeyIndex, NO_SLOT};
use crate::state::timed::TimedTable;
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// What to join.
#[derive(Clone)]
pub struct WindowJoinSpec {
    /// Which rows the result has.
    pub kind: JoinKind,
    /// What a pair must fulfil; the bounds of the window are among the keys.
    pub inputs: JoinInputs,
    /// The column of each input that holds the end of the row's window, and by which time the window goes.
    pub ends: [usize; 2],
    /// Event or processing time.
    pub time: TimeColumn,
    /// Left columns, then right ones; of a semi or anti join the left ones alone.
    pub schema: SchemaRef,
}

/// The operator. Port 0 is the left input, port 1 the right one; both are dealt by their keys.
pub struct WindowJoin {
    spec: WindowJoinSpec,
    tables: Option<[TableId<TimedTable>; 2]>,
}

impl WindowJoin {
    /// Joins as `spec` says.
    pub fn new(spec: WindowJoinSpec) -> Self {
        Self { spec, tables: None }
    }

    /// Takes out the rows of the windows that are over.
    fn over(&self, watermark: i64, table: &mut TimedTable) -> Result<(Vec<ArrayRef>, usize)> {
        let rows = table.drain(watermark);
        Ok((table.decode(rows.iter().map(|row| &*row.row.content))?, rows.len()))
    }
}

impl Operator for WindowJoin {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.tables = Some(self.spec.inputs.declare(state));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let tables = self.tables.ok_or_else(|| Error::internal("step before open"))?;
        let (fired, _) = self.spec.time.span(tick);
        for (side, batches) in inputs.iter().enumerate() {
            for batch in batches {
                let times = last_moments(batch.column(self.spec.ends[side]))?;
                keep_until_over(state.get(tables[side]), batch, &times, fired, out)?;
            }
        }
        let (before, after) = self.spec.time.span(tick);
        if after > before || tick.last {
            let (left, right) = state.pair(tables[0], tables[1]);
            let (left, left_rows) = self.over(after, left)?;
            let (right, right_rows) = self.over(after, right)?;
            HashJoin { spec: &self.spec, tick, left, left_rows, right, right_rows, out }.run()?;
        }
        let next = tables.into_iter().filter_map(|table| state.get(table).first_time()).min().map(|last| last + 1);
        self.spec.time.wake(next, out);
        Ok(())
    }
}

/// The join of two finished sets of rows.
struct HashJoin<'a> {
    spec: &'a WindowJoinSpec,
    tick: &'a Tick,
    left: Vec<ArrayRef>,
    left_rows: usize,
    right: Vec<ArrayRef>,
    right_rows: usize,
    out: &'a mut Output,
}

impl HashJoin<'_> {
    fn run(&mut self) -> Result<()> {
        if self.left_rows + self.right_rows == 0 {
            return Ok(());
        }
        let (by_slot, slots) = self.partners()?;
        let mut matched = [vec![false; self.left_rows], vec![false; self.right_rows]];
        let (mut lefts, mut rights) = (vec![], vec![]);
        for (left, slot) in slots.iter().enumerate().filter(|(_, slot)| **slot != NO_SLOT) {
            for right in &by_slot[*slot as usize] {
                lefts.push(left as u32);
                rights.push(*right);
                if lefts.len() == PAIRS_MAX {
                    self.pairs(std::mem::take(&mut lefts), std::mem::take(&mut rights), &mut matched)?;
                }
            }
        }
        self.pairs(lefts, rights, &mut matched)?;
        if let Some(wanted) = self.spec.kind.wants_partner() {
            let rows = rows_where(&matched[0], wanted);
            return self.emit(taken(&self.left, &rows)?, rows.len());
        }
        for side in (0..2).filter(|side| self.spec.kind.keeps(*side)) {
            let rows = rows_where(&matched[side], false);
            let own = taken([&self.left, &self.right][side], &rows)?;
            self.emit(beside(side, own, self.spec.inputs.nulls(1 - side, rows.len())), rows.len())?;
        }
        Ok(())
    }

    /// Right rows by the slot of their key, and the slot of each left row's key.
    fn partners(&self) -> Result<(Vec<Vec<u32>>, Vec<u32>)> {
        let inputs = &self.spec.inputs;
        let keys = |side: usize, columns: &[ArrayRef]| -> Vec<ArrayRef> { inputs.keys[side].iter().map(|c| columns[*c].clone()).collect() };
        let types: Vec<DataType> = inputs.keys[1].iter().map(|c| inputs.schemas[1].field(*c).data_type().clone()).collect();
        let mut index = KeyIndex::new(&types);
        let mut slots = vec![];
        index.upsert(&keys(1, &self.right), self.right_rows, &mut slots)?;
        let mut by_slot = vec![vec![]; index.slots()];
        let joinable = inputs.joinable(1, &self.right);
        for (row, slot) in slots.iter().enumerate().filter(|(row, _)| can(&joinable, *row)) {
            by_slot[*slot as usize].push(row as u32);
        }
        index.lookup(&keys(0, &self.left), self.left_rows, &mut slots)?;
        let joinable = inputs.joinable(0, &self.left);
        slots.iter_mut().enumerate().filter(|(row, _)| !can(&joinable, *row)).for_each(|(_, slot)| *slot = NO_SLOT);
        Ok((by_slot, slots))
    }

    /// Emits the pairs that fulfil the condition, and notes on both sides that they found each other.
    fn pairs(&mut self, mut lefts: Vec<u32>, mut rights: Vec<u32>, matched: &mut [Vec<bool>; 2]) -> Result<()> {
        if lefts.is_empty() {
            return Ok(());
        }
        let mut columns = beside(0, taken(&self.left, &lefts)?, taken(&self.right, &rights)?);
        if let Some(keep) = self.spec.inputs.fulfilled(&columns, lefts.len(), &self.tick.eval())? {
            (lefts, rights) = (kept(&lefts, &keep), kept(&rights, &keep));
            columns = columns.iter().map(|c| Ok(filter(c, &keep)?)).collect::<Result<_>>()?;
        }
        lefts.iter().for_each(|row| matched[0][*row as usize] = true);
        rights.iter().for_each(|row| matched[1][*row as usize] = true);
        match self.spec.kind.wants_partner() {
            None => self.emit(columns, lefts.len()),
            Some(_) => Ok(()),
        }
    }

    fn emit(&mut self, columns: Vec<ArrayRef>, rows: usize) -> Result<()> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        self.out.emit(Batch::inserts(RecordBatch::try_new_with_options(self.spec.schema.clone(), columns, &options)?));
        Ok(())
    }
}

fn can(joinable: &Option<BooleanArray>, row: usize) -> bool {
    joinable.as_ref().is_none_or(|j| j.value(row))
}

fn rows_where(matched: &[bool], wanted: bool) -> Vec<u32> {
    (0..matched.len() as u32).filter(|row| matched[*row as usize] == wanted).collect()
}
